"""`synapsor operator key`: a key of one's own, made where no project is at hand; it decides nothing until somebody trusts its public half."""

from __future__ import annotations

from argparse import Namespace

from synapsor.approve.identity.keys import check_place, create_key, default_path, public_path
from synapsor.cli.operator import passphrase_of
from synapsor.cli.terminal import answer, paragraph
from synapsor.core.signatures import public_text


def run(arguments: Namespace) -> int:
    """Make the key and return 0."""
    path = arguments.key or default_path(arguments.name)
    check_place(path)
    public = public_text(create_key(path, passphrase=passphrase_of(arguments)))
    lines = [
        paragraph(f"The private key is in {path}: keep it where no agent can read it."),
        paragraph(
            f"Its public half is in {public_path(path)}. Whoever may write the project's operators has it trusted:"
        ),
        f"synapsor operator add {arguments.name} --role ROLE --public-key {public}",
    ]
    answer(arguments, "key", {"file": str(path), "public_key": public}, "\n".join(lines))
    return 0
