"""``greenfield roles``: the READMEs of the roles, made from their argument specs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from greenfield.cli.app import app, out
from greenfield.errors import GreenfieldError

roles_app = typer.Typer(help="Look after the Ansible roles.", no_args_is_help=True)
app.add_typer(roles_app, name="roles")

WRITTEN_BY = "<!-- Written by `greenfield roles docs --write` from meta/argument_specs.yml; changes here are lost. -->"
LONG_DEFAULT = 60


@roles_app.command()
def docs(
    write: Annotated[bool, typer.Option("--write", help="Write the READMEs.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Fail when a README is not up to date (for CI).")] = False,
) -> None:
    """Make each role's README.md from its meta/argument_specs.yml, defaults and tasks.

    Example: [bold]greenfield roles docs --check[/bold]
    """
    from greenfield import content

    if write == check:
        raise typer.BadParameter("give one of --write and --check")
    folders = sorted(path.parents[1] for path in content.roles().glob("*/meta/argument_specs.yml"))
    stale = [folder for folder in folders if _present(folder) != readme(folder)]
    if check and stale:
        names = ", ".join(folder.name for folder in stale)
        raise GreenfieldError(f"README.md is not up to date for {names}", fix="greenfield roles docs --write")
    for folder in stale:
        (folder / "README.md").write_text(readme(folder), encoding="utf-8")
    out.print(f"{len(folders)} roles, {len(stale)} READMEs written" if write else f"{len(folders)} READMEs up to date")


def readme(role: Path) -> str:
    """The README of the role in a folder, as Markdown."""
    specs = _yaml(role / "meta" / "argument_specs.yml")["argument_specs"]
    defaults = _yaml(role / "defaults" / "main.yml") if (role / "defaults" / "main.yml").exists() else {}
    main = specs["main"]
    lines = [f"# {role.name}", "", WRITTEN_BY, "", f"{main['short_description']}.", ""]
    lines += [line for paragraph in _paragraphs(main.get("description")) for line in (paragraph, "")]
    for entry, spec in specs.items():
        lines += _entry(role, entry, spec, defaults)
    return "\n".join(lines).rstrip() + "\n"


def _present(role: Path) -> str:
    path = role / "README.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _entry(role: Path, entry: str, spec: dict[str, Any], defaults: dict[str, Any]) -> list[str]:
    """One entry point: what it does, task by task, and its variables."""
    lines = [f"## {entry}", ""]
    if entry != "main":
        lines += [f"{spec.get('short_description', '')}.", ""]
    tasks = _tasks(role / "tasks" / f"{entry}.yml")
    lines += [f"{number}. {name}" for number, name in enumerate(tasks, 1)] + [""] if tasks else []
    options = spec.get("options") or {}
    if options:
        lines += ["| variable | type | default | meaning |", "| --- | --- | --- | --- |"]
        lines += [_row(name, option, defaults) for name, option in options.items()] + [""]
    for name, option in options.items():
        lines += _suboptions(name, option)
    return lines


def _row(name: str, option: dict[str, Any], defaults: dict[str, Any]) -> str:
    if option.get("required"):
        default = "required"
    elif name in defaults:
        default = _default(defaults[name])
    else:
        default = ""
    meaning = " ".join(_paragraphs(option.get("description")))
    if option.get("choices"):
        meaning += (
            " One of " + ", ".join(f"`{choice}`" if choice != "" else "empty" for choice in option["choices"]) + "."
        )
    return f"| `{name}` | {_type(option)} | {default} | {_cell(meaning)} |"


def _suboptions(name: str, option: dict[str, Any]) -> list[str]:
    inner = option.get("options") or {}
    if not inner:
        return []
    lines = [f"Each of `{name}`:", ""]
    for key, value in inner.items():
        meaning = " ".join(_paragraphs(value.get("description")))
        lines.append(f"- `{key}` ({_type(value)}{'' if value.get('required') else ', optional'}): {meaning}")
    return [*lines, ""]


def _type(option: dict[str, Any]) -> str:
    kind = str(option.get("type", "str"))
    return f"list of {option['elements']}" if kind == "list" and "elements" in option else kind


def _default(value: Any) -> str:
    import json

    if value in ("", [], {}):
        return "empty"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{_cell(text.strip())}`" if len(text) <= LONG_DEFAULT else "see `defaults/main.yml`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _paragraphs(description: Any) -> list[str]:
    if not description:
        return []
    return [str(part).strip() for part in (description if isinstance(description, list) else [description])]


def _tasks(path: Path) -> list[str]:
    """Names of an entry point's tasks, those inside blocks too."""
    if not path.exists():
        return []
    return _names(_yaml(path))


def _names(tasks: list[dict[str, Any]] | None) -> list[str]:
    found: list[str] = []
    for task in tasks or []:
        if "block" in task:
            found += _names(task["block"])
        elif "name" in task:
            found.append(str(task["name"]))
    return found


def _yaml(path: Path) -> Any:
    import yaml

    return yaml.safe_load(path.read_text(encoding="utf-8"))
