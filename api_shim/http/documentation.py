"""`/docs` and `/redoc` without a network: their scripts come with the package fastapi-offline."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

_ASSETS = "/docs-assets"


def add_pages(app: FastAPI) -> None:
    """Add the two pages and their scripts to the app."""
    # A folder of a package: the assets are files, also where the package is a wheel that pip installed.
    app.mount(_ASSETS, StaticFiles(directory=str(files("fastapi_offline").joinpath("static"))), name="docs-assets")
    app.add_route("/docs", _make_page(app, is_swagger=True), include_in_schema=False)
    app.add_route("/redoc", _make_page(app, is_swagger=False), include_in_schema=False)


def _make_page(app: FastAPI, *, is_swagger: bool):  # type: ignore[no-untyped-def]
    async def page(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        assets, document = f"{root}{_ASSETS}", f"{root}{app.openapi_url}"
        if is_swagger:
            return get_swagger_ui_html(
                openapi_url=document,
                title=app.title,
                swagger_js_url=f"{assets}/swagger-ui-bundle.js",
                swagger_css_url=f"{assets}/swagger-ui.css",
                swagger_favicon_url=f"{assets}/favicon.png",
            )
        return get_redoc_html(
            openapi_url=document,
            title=app.title,
            redoc_js_url=f"{assets}/redoc.standalone.js",
            redoc_favicon_url=f"{assets}/favicon.png",
            with_google_fonts=False,
        )

    return page
