"""Elements of a page, built as data: whatever a person wrote stays text. The run card and the plan are such pages."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

Child = Element | str


def element(name: str, /, *children: Child | Iterable[Child], **attributes: object) -> Element:
    """An element; in an attribute's name `_` stands for `-`, and one at the end for nothing (`class_`)."""
    made = Element(name, {key.rstrip("_").replace("_", "-"): str(value) for key, value in attributes.items()})
    for child in children:
        for one in (child,) if isinstance(child, (Element, str)) else child:
            _append(made, one)
    return made


def _append(parent: Element, child: Child) -> None:
    if isinstance(child, Element):
        parent.append(child)
    elif len(parent):
        parent[-1].tail = (parent[-1].tail or "") + _printable(child)
    else:
        parent.text = (parent.text or "") + _printable(child)


def _printable(text: str) -> str:
    """Without the control characters that no page may hold."""
    return "".join(one for one in text if one.isprintable() or one in "\n\t")


def table(head: Iterable[str], rows: Iterable[Iterable[Child]], numbers: Iterable[int] = ()) -> Element:
    """A table whose columns `numbers` stand to the right."""
    right = set(numbers)

    def cells(tag: str, row: Iterable[Child]) -> list[Element]:
        return [element(tag, one, **({"class_": "number"} if place in right else {})) for place, one in enumerate(row)]

    body = element("tbody", *(element("tr", *cells("td", row)) for row in rows))
    made = element("table", element("thead", element("tr", *cells("th", head))), body)
    return element("div", made, class_="wide")


def pairs(items: Iterable[tuple[str, Child]]) -> Element:
    """Names and what they stand for."""
    terms = (element("div", element("dt", name), element("dd", value)) for name, value in items)
    return element("dl", *terms)


def document(title: str, style: str, *body: Element) -> str:
    """A whole page that loads nothing: its policy forbids it."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )
    page = element("html", head, element("body", element("main", *body)), lang="en")
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"
