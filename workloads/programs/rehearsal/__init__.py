"""What a rehearsal needs in place of the real model: a tokenizer and a tiny Llama made from the data at hand."""
