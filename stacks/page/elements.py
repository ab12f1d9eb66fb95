"""Elements of a page as data: what is said in them is escaped where they are written out, and nowhere else."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

Child = Element | str


def tag(name: str, /, *children: Child | Iterable[Child], **attributes: object) -> Element:
    """An element. `class_` is the attribute class, and an underscore within a name stands for a hyphen."""
    made = Element(name, {key.rstrip("_").replace("_", "-"): str(value) for key, value in attributes.items()})
    for child in children:
        for one in (child,) if isinstance(child, (Element, str)) else child:
            _append(made, one)
    return made


def _append(parent: Element, child: Child) -> None:
    if isinstance(child, Element):
        parent.append(child)
    elif len(parent):
        parent[-1].tail = (parent[-1].tail or "") + child
    else:
        parent.text = (parent.text or "") + child


def document(root: Element) -> str:
    return f"<!doctype html>\n{tostring(root, encoding='unicode', method='html')}\n"
