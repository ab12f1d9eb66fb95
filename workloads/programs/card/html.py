"""Elements of a page, built as data: whatever a person wrote stays text."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

Child = Element | str


def element(tag: str, *children: Child, **attributes: object) -> Element:
    """An element; in an attribute's name `_` stands for `-`, and one at the end for nothing (`class_`)."""
    made = Element(tag, {name.rstrip("_").replace("_", "-"): str(value) for name, value in attributes.items()})
    last: Element | None = None
    for child in children:
        if isinstance(child, str):
            if last is None:
                made.text = (made.text or "") + _printable(child)
            else:
                last.tail = (last.tail or "") + _printable(child)
        else:
            made.append(child)
            last = child
    return made


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
