"""Rows of the Dolly data set: an instruction, a context that it is about (or none), and the response.

They come from the Hugging Face Hub (`databricks/databricks-dolly-15k`, or a data set of the same form) or from a file
of the user's own. Questions to a model have the same form, and may go without a response.
"""

from ..rows import Form

INSTRUCTION, CONTEXT, RESPONSE = "instruction", "context", "response"
FORM = Form((INSTRUCTION, CONTEXT, RESPONSE), may_be_empty=(CONTEXT,))
QUESTIONS = Form((INSTRUCTION, CONTEXT, RESPONSE), may_be_empty=(CONTEXT, RESPONSE))
