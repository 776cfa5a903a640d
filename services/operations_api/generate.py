"""Write `schemas/openapi` from the routes: the document, and the page that people read. CI compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.operations_api import application, openapi
from services.operations_api.openapi_page import page

FOLDER: Final = Path(__file__).parents[2] / "schemas" / "openapi"
DOCUMENT: Final = FOLDER / "openapi.json"
PAGE: Final = FOLDER / "index.html"


def main() -> None:
    """Write both."""
    FOLDER.mkdir(exist_ok=True)
    app = application.build()
    DOCUMENT.write_text(openapi.text(app), encoding="utf-8")
    PAGE.write_text(page(openapi.document(app)), encoding="utf-8")


if __name__ == "__main__":
    main()
