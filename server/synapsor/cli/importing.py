"""`synapsor import`: a public contract becomes a contract of ours that a reviewer can read, and whatever cannot be honoured is told."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from synapsor.cli.terminal import answer, note
from synapsor.config import find_config, load_config
from synapsor.contract.digest import contract_digest
from synapsor.contract.document import printable
from synapsor.contract.load import read_text, types_of
from synapsor.contract.model import Contract
from synapsor.contract.public.reading import PublicReading, read_public
from synapsor.contract.public.subjects import relations_of
from synapsor.contract.public.translate import Translation
from synapsor.contract.public.types import Types, as_data, beside
from synapsor.contract.public.words import Said
from synapsor.contract.public.yaml_text import render
from synapsor.core.kinds import kinds_of
from synapsor.core.plan import Relation
from synapsor.errors import ConfigError, ContractError, IntegrityError, UsageError, naming

MAX_BYTES = 1_048_576
UNSUPPORTED = 6
INVALID = 2

_UNHONOURED = "Take out what is named, or write that part of the contract in YAML; types come with --source or --types."
_INVALID = "Mend what is named in the document, and import it again."


def run(arguments: Namespace) -> int:
    """Translate and return 0; 2 for a document that is not in order, 6 for one that cannot be honoured."""
    text = _text(arguments.file)
    name = arguments.file.name.partition(".")[0]
    types = _given_types(arguments)
    if types is None:
        named = _named(arguments, text)
        types = asyncio.run(_asked(arguments, named, text, name)) if named else Types()
    reading = read_public(text, types, name=name)
    translation = reading.translation
    if translation is None or not translation.ok:
        return _refused(arguments, reading)
    contract = _contract(arguments, translation)
    written = _header(arguments, translation) + render(translation.data)
    _read_back(written, contract)
    _write(arguments, written, types)
    held = {"contract": contract.contract, "digest": contract_digest(contract)}
    where = {"out": str(arguments.out), "yaml": None} if arguments.out else {"out": None, "yaml": written}
    answer(arguments, "import", {**_told(reading), **held, **where}, _text_of(arguments, written))
    for said in translation.notes if arguments.out is not None and not arguments.json else ():
        note(f"changed  {printable(said.path)}  {said.word}: {printable(said.message)}")
    return 0


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UsageError("The file is larger than 1 MiB.", fix="Import a smaller contract.")
        return data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"The file cannot be read: {error.strerror}.", fix="Name a public contract.") from None
    except UnicodeDecodeError:
        raise UsageError("The file is not UTF-8 text.", fix="Name a public contract.") from None


def _given_types(arguments: Namespace) -> Types | None:
    """Return the types of a file, with the sources that were named; None when a catalogue is to be asked."""
    file = arguments.types or beside(arguments.file)
    if arguments.types is None and (arguments.source or not file.is_file()):
        return None
    types, problems = types_of(file)
    if types is None:
        raise ContractError(problems)
    return _with_sources(types, arguments.source)


def _named(arguments: Namespace, text: str) -> list[str]:
    """Return the sources that were named, or else the project's only one; none where there is no project.

    Raises:
        UsageError: the project has several, and the document could be translated.
    """
    named: list[str] = arguments.source
    if named or (file := arguments.config or _project()) is None:
        return named
    known = list(load_config(file).sources)
    if len(known) > 1 and not read_public(text, Types(), name=arguments.file.name).valid:
        return []
    if len(known) > 1:
        raise UsageError(
            f"This project has {len(known)} sources, and none is named whose catalogue has the columns' types.",
            fix=f"--source NAME, with one of {', '.join(known)}.",
        )
    return known


def _project() -> Path | None:
    try:
        return find_config()
    except ConfigError:
        return None  # whether the document is in order can be told without one


def _with_sources(types: Types, named: Iterable[str]) -> Types:
    """Return types with sources by `NAME`, or `THEIRS=NAME` where the document names several."""
    sources, one = dict(types.sources), types.source
    for word in named:
        theirs, several, ours = word.rpartition("=")
        if several:
            sources[theirs] = ours
        else:
            one = ours
    try:
        return Types.model_validate({"source": one, "sources": sources, "relations": types.relations})
    except ValidationError:
        raise UsageError("A source's name is a plain word.", fix="Name a source of synapsor.yaml.") from None


async def _asked(arguments: Namespace, sources: list[str], text: str, name: str) -> Types:
    """Return what the catalogues of the named sources say of the relations that the document speaks of."""
    from synapsor.runtime import open_project  # the adapters are only here for a catalogue

    config = load_config(arguments.config)
    types = _with_sources(Types(), sources)
    named = {types.source, *types.sources.values()} - {None}
    if unknown := sorted(str(source) for source in named if source not in config.sources):
        known = ", ".join(config.sources)
        raise ConfigError(
            f"There is no source {unknown[0]} in this project.", fix=f"--source NAME, with one of {known}."
        )
    document = read_public(text, types, name=name)
    if not document.valid:
        return types
    relations: dict[str, Any] = {}
    async with open_project(config) as project:
        for source, relation in sorted(relations_of(document.text.data, types)):
            with naming(source):
                facts = await project.reader(source).describe(Relation.parse(relation))
            if facts is not None:
                relations[relation] = kinds_of(facts)
    engines = {source: config.sources[source].engine for source in named if source is not None}
    return types.model_copy(update={"relations": relations, "engines": engines})


def _contract(arguments: Namespace, translation: Translation) -> Contract:
    """Return the contract, under another name where one was given."""
    if arguments.name:
        translation.data["contract"] = arguments.name
    try:
        return Contract.model_validate(translation.data)
    except ValidationError:
        raise UsageError(
            f"`{printable(arguments.name)}` is no name of a contract.",
            fix="Use lower-case letters, digits and underscores.",
        ) from None


def _read_back(written: str, contract: Contract) -> None:
    """Prove that what is written is what was translated, and in order by all our rules."""
    reading = read_text(written, "the translation")
    if reading.problems:
        raise ContractError(reading.problems)
    if reading.contract is None or contract_digest(reading.contract) != contract_digest(contract):
        raise IntegrityError("What would be written is not what was translated.", fix="Report it, with the document.")


def _header(arguments: Namespace, translation: Translation) -> str:
    lines = [
        f"# Translated by `synapsor import` from the public contract {printable(arguments.file.name)}.",
        "# Read it as if you had written it: what is granted is what stands here, and `synapsor activate` signs it.",
    ]
    if translation.notes:
        lines += ["#", "# Other than in that document, and never more than in it:"]
        lines += [f"#   {printable(said.path)}: {printable(said.message)}" for said in translation.notes]
    return "\n".join(lines) + "\n\n"


def _write(arguments: Namespace, written: str, types: Types) -> None:
    for file, text in ((arguments.out, written), (arguments.write_types, render(as_data(types)))):
        if file is None:
            continue
        try:
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text)
        except FileExistsError:
            raise UsageError(f"{file} is there already.", fix="Name another file, or remove it first.") from None
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}.", fix="Name another file.") from None


def _refused(arguments: Namespace, reading: PublicReading) -> int:
    problems = reading.problems(str(arguments.file))
    text = "\n".join([*map(str, problems), f"fix: {_UNHONOURED if reading.valid else _INVALID}"])
    answer(arguments, "import", {**_told(reading), "problems": [asdict(p) for p in problems]}, text, ok=False)
    return UNSUPPORTED if reading.valid else INVALID


def _told(reading: PublicReading) -> dict[str, Any]:
    translation = reading.translation
    return {
        "errors": [{"path": i.path, "code": i.code, "message": i.message} for i in reading.verdict.errors],
        "warnings": [{"path": i.path, "code": i.code, "message": i.message} for i in reading.verdict.warnings],
        "refused": _said(translation.refused) if translation is not None else [],
        "changed": _said(translation.notes) if translation is not None else [],
    }


def _said(said: tuple[Said, ...]) -> list[dict[str, str]]:
    return [{"path": one.path, "word": one.word, "message": one.message} for one in said]


def _text_of(arguments: Namespace, written: str) -> str:
    if arguments.out is None:
        return written
    return f"{arguments.out} is written. Read it, then run `synapsor check {arguments.out}`."
