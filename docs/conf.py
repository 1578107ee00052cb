"""How the documentation is built: `make docs`. Pages are Markdown; the Python reference comes from docstrings.

The source is the whole checkout, so that README, CONTRIBUTING, CHANGELOG and the READMEs of the benches and of the
TypeScript client are pages too, and a link between any two of them is checked. Every broken link and every broken
reference is an error. The build fetches nothing, and the pages load nothing from other hosts.
"""

from importlib.metadata import version as version_of
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import afterturn

project = "afterturn"
release = version = version_of("afterturn")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["docs/**", "*.md", "bench/README.md", "clients/typescript/README.md"]

nitpicky = True
# Types of the standard library and of pydantic: their documentation is not here, and nothing is fetched to look it up.
nitpick_ignore_regex = [("py:.*", r"(collections|contextlib|datetime|pathlib|pydantic|types|typing|uuid)\b.*")]

myst_heading_anchors = 4
# Docstrings are written as Markdown is: `name` is code.
default_role = "code"
autoclass_content = "both"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_display_short_literal_types = True
highlight_language = "none"

html_theme = "furo"
html_title = f"afterturn {release}"
html_copy_source = False


def find_public_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement) -> Any:
    """Link an annotation, which names the module that defines a class, to the name that users import."""
    name = node.get("reftarget", "").rpartition(".")[2]
    if name not in afterturn.__all__:
        return None
    domain = env.domains["py"]
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", f"afterturn.{name}", node, content)


def keep_colons(_app: Sphinx, what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Keep napoleon from reading a type out of a field's comment that has a colon: it looks at the first line only."""
    if what in ("attribute", "property"):
        lines.insert(0, "\\ ")  # a space that reStructuredText leaves out


def show_factories(
    _app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Write a field's default that a function makes as `...`: Sphinx cannot read `<factory>`."""
    return signature and signature.replace("<factory>", "..."), returns


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", show_factories)
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
    app.connect("missing-reference", find_public_name)
