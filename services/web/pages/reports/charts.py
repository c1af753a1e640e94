"""The charts of a report as rows and shares, before they are drawn."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.web.pages.reports.words import bounded, cell_words, ratings
from services.web.pages.speech import Speech

Link = Callable[..., str]


def evaluation_chart(
    words: Speech, evaluations: Sequence[Mapping[str, Any]], link: Link
) -> dict[str, Any] | None:
    """Return stacked bars of the released results; what may not be told is said in words."""
    told = [each for each in evaluations if each["rule"] != "too-few"]
    untold = len(evaluations) - len(told)
    if not evaluations:
        return None
    _ = words.gettext
    names = ratings(_)
    rows, table = [], []
    for each in told:
        title, language = words.title(each["event_titles"])
        title = f"{words.word(each['format'], 'format')}: {title}"
        total = sum(bar["answers"] for bar in each["bars"])
        rows.append(
            {
                "label": title,
                "lang": language,
                "small": _answers(words, each),
                "value": _mean(words, each),
                "words": _withheld(words, each),
                "parts": [
                    {
                        "kind": f"n{(bar['lowest'] + bar['highest']) // 2}",
                        "share": 100 * bar["answers"] / total,
                    }
                    for bar in each["bars"]
                ],
            }
        )
        table.append([title, *_cells(words, each["bars"]), _mean(words, each)])
    return {
        "title": _finding(words, told),
        "gap": _gap(words, untold) if untold else "",
        "href": link("evaluation_mean"),
        "rows": rows,
        "legend": [(f"n{number}", f"{number} {name}") for number, name in enumerate(names, 1)],
        "head": [_("Meeting"), "1", "2", "3", "4", "5", _("Mean")],
        "table": table,
    }


def _finding(words: Speech, told: Sequence[Mapping[str, Any]]) -> str:
    least = [each["mean"] or each["at_least"] for each in told]
    if not least or None in least:
        return words.ngettext(
            "%(num)s meeting has a result", "%(num)s meetings have a result", len(told)
        )
    return words.ngettext(
        "The evaluated meeting was rated %(least)s or more",
        "All %(num)s evaluated meetings were rated %(least)s or more",
        len(told),
        least=words.number(min(least, key=Decimal)),
    )


def _gap(words: Speech, untold: int) -> str:
    return words.ngettext(
        "Of %(num)s meeting nothing is shown: fewer than five answered.",
        "Of %(num)s meetings nothing is shown: fewer than five answered.",
        untold,
    )


def _mean(words: Speech, each: Mapping[str, Any]) -> str:
    if each["mean"] is not None:
        return words.number(each["mean"])
    return "–"


def _answers(words: Speech, each: Mapping[str, Any]) -> str:
    _ = words.gettext
    if each["answered"] is None:
        return _("%(count)s came", count=words.number(str(each["attended"])))
    told = words.ngettext(
        "%(num)s answer of %(attended)s who came",
        "%(num)s answers of %(attended)s who came",
        each["answered"],
        attended=words.number(str(each["attended"])),
    )
    merged = [bar for bar in each["bars"] if bar["lowest"] != bar["highest"]]
    together = [
        _("ratings %(lowest)s to %(highest)s stand together", **_ends(bar)) for bar in merged
    ]
    return "; ".join([told, *together])


def _ends(bar: Mapping[str, Any]) -> dict[str, str]:
    return {"lowest": str(bar["lowest"]), "highest": str(bar["highest"])}


def _withheld(words: Speech, each: Mapping[str, Any]) -> str:
    _ = words.gettext
    low, high = each["at_least"], each["at_most"]
    if found := bounded(words, low, high):
        return _("Mean %(bounds)s", bounds=found)
    return _("Ratings are not shown")


def _cells(words: Speech, bars: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return five cells; ratings that stand together are told in the first of theirs."""
    cells = ["–"] * 5 if not bars else ["0"] * 5
    for bar in bars:
        count = words.number(str(bar["answers"]))
        lowest, highest = bar["lowest"], bar["highest"]
        if lowest != highest:
            count = f"{lowest}–{highest}: {count}"
            cells[lowest:highest] = ["″"] * (highest - lowest)
        cells[lowest - 1] = count
    return cells


def table_chart(
    words: Speech,
    cells: Mapping[str, Any],
    *,
    names: Mapping[str, str],
    title: str,
    text: str,
    source: str,
    href: str,
    head: Sequence[str],
) -> dict[str, Any] | None:
    """Return bars of a table's cells, the longest first; hidden cells say so and come last."""
    if not cells:
        return None
    _ = words.gettext
    counts = {key: value for key, value in cells.items() if isinstance(value, int)}
    longest = max(counts.values(), default=0)
    order = sorted(
        cells, key=lambda key: (key not in counts, -counts.get(key, 0), names.get(key, key))
    )
    rows = [
        {
            "label": names.get(key, key),
            "value": words.number(str(counts[key])) if key in counts else "",
            "share": 100 * counts[key] / longest if key in counts and longest else None,
            "words": cell_words(words, cells[key]),
            "mark": False,
        }
        for key in order
    ]
    gap = ""
    if len(counts) < len(cells):
        gap = _(
            "Groups under five are left out, and so are others from which they could be worked out."
        )
    return {
        "title": title,
        "text": text,
        "source": source,
        "href": href,
        "rows": rows,
        "gap": gap,
        "head": head,
        "table": [[row["label"], row["value"] or row["words"]] for row in rows],
    }


def month_chart(
    words: Speech, months: Sequence[Mapping[str, Any]], mean: str | None, link: Link
) -> dict[str, Any] | None:
    """Return columns of the visits by month, the fullest one marked."""
    visits = {each["month"]: each["visits"] for each in months}
    highest = max((count for count in visits.values() if count), default=0)
    if not highest:
        return None
    _ = words.gettext
    fullest = next(month for month, count in visits.items() if count == highest)
    text = _("Visits by month.")
    if mean is not None:
        text += " " + _(
            "Dashed line: the mean of the year, %(mean)s.", mean=words.number(round(Decimal(mean)))
        )
    return {
        "title": _("%(month)s was the fullest month of the house", month=words.month(fullest)),
        "text": text,
        "href": link("visits_per_month_mean"),
        "mean": float(100 * Decimal(mean) / highest) if mean is not None else None,
        "columns": [
            {
                "label": words.short_month(month),
                "value": words.number(str(count)) if count else "–",
                "share": 100 * count / highest if count else None,
                "mark": month == fullest,
            }
            for month, count in visits.items()
        ],
        "table": [
            [words.month(month), words.number(str(count)) if count is not None else "–"]
            for month, count in visits.items()
        ],
    }
