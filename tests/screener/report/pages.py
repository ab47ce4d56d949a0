"""What a reader sees in the page of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batches import Batch
    from playwright.sync_api import Page


def patients(page: Page) -> list[str]:
    return page.locator("#rows tbody th").all_inner_texts()


def found(page: Page) -> str:
    return page.locator("#found").inner_text()


def expected(batch: Batch, **wanted: Any) -> list[str]:
    """Patients that a reader would pick out of the rows by hand."""
    chosen = batch.rows
    if status := wanted.get("status"):
        chosen = [one for one in chosen if one.status == status]
    if failed := wanted.get("failed"):
        chosen = [one for one in chosen if failed in one.failed]
    if unknown := wanted.get("unknown"):
        chosen = [one for one in chosen if unknown in one.unknown]
    return [one.patient_id for one in chosen]


def label(locator: Any) -> str:
    return " ".join(locator.inner_text().split())
