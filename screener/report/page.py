"""The report as a page for a browser: one file that needs nothing else and reaches no network.

Recorded text is escaped by the template engine wherever it stands. Beside that, the page states a
content security policy that lets nothing be loaded and nothing run but the page's own style and
script, each named by its digest.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import msgspec
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from screener.report import words
from screener.report.sheet import sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from screener.report.sheet import Sheet
    from screener.result import ScreeningResult

_ASSETS: Final = files("screener.report") / "templates"


def patient_page(results: Sequence[ScreeningResult]) -> str:
    """Return the report of each result as one page to read or to print for the file.

    Meant for one patient and one or more studies; several patients get an overview as well.
    """
    sheets = [sheet(result) for result in results]
    style = asset("page.css") + "".join(
        _print_header(place, one) for place, one in enumerate(sheets)
    )
    patients = ", ".join(dict.fromkeys(one["patient"] for one in sheets[:3]))
    return environment().get_template("patient.html.j2").render(
        title=f"Screening of {patients}{' and others' if len(sheets) > 3 else ''}",
        style=Markup(style),  # noqa: S704  # our own, and a header escaped for it
        policy=policy(styles=[style]),
        sheets=sheets,
        overview=words.overview(results) if len(results) > 1 else [],
        overview_title=words.overview_title(results),
    )  # fmt: skip


@cache
def environment() -> Environment:
    """Return the template engine: everything is escaped, nothing missing is passed over."""
    made = Environment(
        autoescape=True,
        loader=FunctionLoader(asset),
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "SYMBOL": words.SYMBOL,
        "OUTCOME_WORD": words.OUTCOME_WORD,
        "STATUS_WORD": words.STATUS_WORD,
        "STATUS_OUTCOME": words.STATUS_OUTCOME,
        "CAVEAT": words.CAVEAT,
        "RULE": words.RULE,
        "WITHOUT_RULE": words.WITHOUT_RULE,
        "NO_CRITERION": words.NO_CRITERION,
        "OVERVIEW_COLUMNS": words.OVERVIEW_COLUMNS,
    }
    made.filters |= {"number": number, "percent": percent}
    return made


@cache
def asset(name: str) -> str:
    """Return the text of a template, style or script of the package."""
    return (_ASSETS / name).read_text("utf-8").replace("\r\n", "\n")


def policy(*, styles: Iterable[str], scripts: Iterable[str] = (), images: bool = False) -> str:
    """Return the content security policy of a page with just these styles and scripts.

    `images` allows pictures that stand in the page itself as `data:` addresses.
    """
    rules = ["default-src 'none'"]
    rules += [f"style-src {' '.join(map(_digest, styles))}"]
    allowed = " ".join(map(_digest, scripts))
    rules += [f"script-src {allowed}"] if allowed else []
    rules += ["img-src data:"] if images else []
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def data(value: Any) -> Markup:
    """Return a value as JSON that can stand in a script element and never ends or opens one."""
    text = msgspec.json.encode(value).decode()
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704  # `<` was all that could be markup


def number(count: float) -> str:
    """Write a count with its thousands apart."""
    return f"{count:,}"


def percent(count: float, total: float) -> str:
    """Write a share in per cent; what is neither none nor all is never rounded to it."""
    if not total:
        return "–"
    share = 100 * count / total
    if 0 < share < 0.1:
        return "<0.1 %"
    if 99.9 < share < 100:
        return ">99.9 %"
    return f"{share:.0f} %" if share in {0, 100} else f"{share:.1f} %"


def _shown(value: Any) -> Any:
    return words.visible(value) if type(value) is str else value


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _print_header(place: int, one: Sheet) -> str:
    """Name patient, study and day at the head of every printed sheet, so that none is mistaken."""
    head = f"{one['patient']} · {one['study']} · as of {one['as_of']}"
    # Whatever is not plain is written as the escape that a style sheet knows.
    escaped = re.sub(r"[^A-Za-z0-9 .-]", lambda found: f"\\{ord(found[0]):x} ", head)
    return (
        f"\n#sheet{place} {{ page: sheet{place}; }}"
        f'\n@page sheet{place} {{ @top-left {{ content: "{escaped}"; }} }}'
    )
