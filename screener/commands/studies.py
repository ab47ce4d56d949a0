"""`screen studies`: what is encoded."""

from __future__ import annotations

import json

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import ends


@ends
def command(
    form: opt.ListingForm = opt.Listing.TABLE,
    criteria: opt.Criteria = None,
) -> int:
    """List the studies that patients can be screened for."""
    from screener.encoding.catalogue import Catalogue  # noqa: PLC0415

    listed = Catalogue(criteria or []).listed()
    if form is opt.Listing.JSON:
        rows = [
            {
                "id": study.id,
                "version": study.version,
                "registry": study.registry or None,
                "title": study.title,
                "file": str(study.path),
            }
            for study in listed
        ]
        output.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", None)
        return 0
    from screener.commands.page import Page  # noqa: PLC0415

    page = Page()
    for study in listed:
        page.heading(study.id)
        page.text(study.title, indent=2)
        page.labelled("Version", study.version, indent=2)
        page.labelled("Registry", study.registry, indent=2)
    output.write(page.finished(), None)
    return 0
