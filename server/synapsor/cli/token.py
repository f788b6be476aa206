"""`synapsor token new`: a bearer token for an HTTP client, printed once, and the hash that configuration holds."""

from __future__ import annotations

from argparse import Namespace

from synapsor.cli.terminal import answer, paragraph
from synapsor.serve.identity import generate_token, hash_token


def run(arguments: Namespace) -> int:
    """Print a new token and return 0; it is kept nowhere."""
    token = generate_token()
    hashed = hash_token(token)
    text = f"token   {token}\nsha256  {hashed}\n\n" + paragraph(
        "Give the token to the client; it is not shown again. Put the hash under `http.tokens` of synapsor.yaml with a name and a session, or under `tokens` of approvals.yaml with an operator."
    )
    answer(arguments, "token", {"token": token, "sha256": hashed}, text)
    return 0
