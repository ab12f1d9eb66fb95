"""The card as one page for people: it needs no network, and follows the reader's choice of light or dark."""

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from ..elements import Child, document, element, pairs, table
from .curve import curve
from .style import STYLE

UNKNOWN = "not known"
Card = Mapping[str, Any]


def page(card: Card) -> str:
    title = f"Run card: {card['recipe'] or 'a run'}"
    return document(title, STYLE, *_header(card), *_results(card), *_trainings(card), *_steps(card), *_inputs(card))


def _header(card: Card) -> Iterator[Element]:
    done = [step for step in card["steps"] if step["done"]]
    began = min((step["began"] for step in card["steps"] if step["began"]), default=None)
    yield element("h1", str(card["recipe"] or "A run"))
    where = f"on platform {card['platform']}" if card["platform"] else "on an unknown platform"
    when = f", begun {began.replace('T', ' ').replace('Z', ' UTC')}" if began else ""
    yield element("p", f"{len(done)} of {len(card['steps'])} steps done, {where}{when}.", class_="about")


def _results(card: Card) -> Iterator[Element]:
    """The numbers that a reader looks for first."""
    seconds = [step["seconds"] for step in card["steps"] if step["seconds"] is not None]
    tiles = [("time at work", duration(sum(seconds)) if seconds else UNKNOWN), ("price", _price(card))]
    for name, training in card["trainings"].items():
        if training["held_out_last"] is not None:
            losses = f"{training['held_out_first']:.3f} → {training['held_out_last']:.3f}"
            tiles.append((f"held-out loss, {name}", losses))
    tiles.append(("resumes", str(sum(step["resumes"] for step in card["steps"]))))
    yield element("section", pairs(tiles), class_="tiles")
    for name, models in card["tests"].items():
        yield _section(f"The recipe's own test ({name})", _test(models))


def _price(card: Card) -> str:
    dollars = card["price"]["dollars"]
    return UNKNOWN if dollars is None else f"${dollars:,.2f}"


def _test(models: Mapping[str, Mapping[str, float]]) -> Element:
    measures = list(dict.fromkeys(measure for numbers in models.values() for measure in numbers))
    rows = [[_words(one), *(number(numbers.get(one)) for numbers in models.values())] for one in measures]
    return table(["measure", *models], rows, range(1, len(models) + 1))


def _trainings(card: Card) -> Iterator[Element]:
    for name, training in card["trainings"].items():
        yield _section(f"Training ({name})", curve(name, training), _legend(), pairs(_speed(card, training)))


def _legend() -> Element:
    keys = (element("span", element("i", class_=key), words) for key, words in LINES.items())
    return element("p", *keys, " loss a token, by training step", class_="legend")


LINES = {"training": "training", "held-out": "held out"}


def _speed(card: Card, training: Mapping[str, Any]) -> Iterator[tuple[str, Child]]:
    speed, mfu = training["tokens_per_second"], training["mfu"]
    yield "steps", f"{training['steps_done']:,} of {training['steps']:,}"
    yield "tokens a second", f"{number(speed['typical'])} (median of {speed['looks']}; best {number(speed['best'])})"
    if mfu["value"] is None:
        yield "MFU", f"{UNKNOWN}, for want of: {', '.join(mfu['unknown'])}"
    else:
        yield "MFU", f"{mfu['value']:.1%} of {mfu['peak_tflops']:,} teraflops ({mfu['peak_source'] or 'no source'})"
        sums = f"{mfu['operations']} × {card['weights']:,} × {speed['typical']:,} ÷ {mfu['peak_tflops']:,} × 10¹²"
        yield "how", f"{mfu['formula']}: {sums}"


def _steps(card: Card) -> Iterator[Element]:
    head = ("step", "what came of it", "machine", "began (UTC)", "time", "starts", "resumes", "dollars")
    rows = [_step(step) for step in card["steps"]]
    prices = card["price"]["by"]
    by = f"Prices on demand in {prices['region']}, {prices['date']}. " if prices else ""
    note = "Machines while steps were at work; not what they waited, nor the platform around them."
    compiled = [pairs([(_words(name), number(value)) for name, value in (card["compile"] or {}).items()])]
    cache = [element("h3", "Compile cache"), *compiled] if card["compile"] else []
    yield _section("Steps", table(head, rows, (4, 5, 6, 7)), element("p", by + note, class_="note"), *cache)


def _step(step: Mapping[str, Any]) -> list[Child]:
    name = element("span", step["name"], element("code", f" {step['hash']}" if step["hash"] else ""))
    came = step["result"] or ("done" if step["done"] else f"not done: the folder {step['problem']}")
    machine = f"{step['nodes']} × {step['machine']}" if step["machine"] else UNKNOWN
    began = step["began"].replace("T", " ").replace("Z", "") if step["began"] else UNKNOWN
    time = UNKNOWN if step["seconds"] is None else duration(step["seconds"])
    dollars = UNKNOWN if step["dollars"] is None else f"{step['dollars']:.2f}"
    return [name, came, machine, began, time, str(step["starts"]), str(step["resumes"]), dollars]


def _inputs(card: Card) -> Iterator[Element]:
    data = card["data"]
    shown = data["fingerprint"] or f"none: the step {data['step']} has left no data that could be read"
    facts = [("fingerprint (SHA-256)", element("code", shown))]
    files = [(name, element("code", one)) for name, one in data["files"].items()]
    yield _section("Data", pairs([*facts, *files, *_plain(data["about"])]))
    yield _section("Parameters", pairs(_plain(card["parameters"])))
    yield _section("Config", pairs(_plain(card["config"])))
    images = [(name, element("code", _image(one))) for name, one in card["images"].items()]
    yield _section("Versions and images", pairs([*_plain(card["versions"]), *images]))


def _image(image: Mapping[str, Any]) -> str:
    packages = f", with {', '.join(image['packages'])}" if image.get("packages") else ""
    digest = image.get("digest") or "named by its tag: no digest is known"
    told = "" if digest in image["reference"] else f" ({digest})"
    return f"{image['reference']}{told}{packages}"


def _plain(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Child]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _plain(value, f"{prefix}{name}.")
        else:
            words = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            yield f"{prefix}{name}", element("code", words)


def _section(title: str, *content: Element) -> Element:
    return element("section", element("h2", title), *content)


def _words(name: str) -> str:
    return name.replace("_", " ")


def number(value: float | None) -> str:
    """For people: whole numbers in full, others with three digits."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"


def duration(seconds: float) -> str:
    """As a person says it: 4.2 s, 12 min 5 s, 3 h 20 min."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"
