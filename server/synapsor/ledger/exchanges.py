"""Questions about a proposal and their answers: recorded while it is in review, a few of them, each answered once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from synapsor.core.exchange import MOST_QUESTIONS, Answer, Exchange
from synapsor.core.proposal import Status
from synapsor.core.records import from_body, to_body
from synapsor.core.statements import SignedInquiry
from synapsor.errors import Code, DecisionRefused, Refusal
from synapsor.ledger.chain import Book, event
from synapsor.ledger.connection import Transaction
from synapsor.ledger.kinds import ANSWER, QUESTION, Record, loads, read_each, record
from synapsor.ledger.review import check_asked
from synapsor.refusals import Rule


async def of_proposal(tx: Transaction, proposal_id: str) -> tuple[tuple[Exchange, ...], tuple[str, ...]]:
    """Return what was asked about a proposal, oldest first, each with its answer; and what of it cannot be read."""
    rows = await tx.all("exchanges_of", proposal=proposal_id)
    given = [{"id": row["answer_id"], "body": row["answer"]} for row in rows if row["answer"] is not None]
    answers, unanswered = read_each("answer", given, lambda row: from_body(Answer, loads(row["body"])))
    asked, unasked = read_each("question", rows, lambda row: from_body(SignedInquiry, loads(row["body"])))
    known = {answer.question: answer for answer in answers}
    found = tuple(Exchange(asked=one, answer=known.get(one.question.id)) for one in asked)
    return found, (*unasked, *unanswered)


def records(exchanges: Iterable[Exchange]) -> Iterator[Record]:
    """Yield questions and answers as they are kept."""
    for one in exchanges:
        yield record(QUESTION, one.asked.question.id, to_body(one.asked))
        if one.answer is not None:
            yield record(ANSWER, one.answer.id, to_body(one.answer))


async def counts(tx: Transaction, wanted: Collection[str]) -> dict[str, int]:
    """Return how often people have asked about proposals."""
    found = [(proposal_id, await tx.one("questions_about", proposal=proposal_id)) for proposal_id in wanted]
    return {proposal_id: row["asked"] for proposal_id, row in found if row is not None}


async def ask(book: Book, ledger: str, signed: SignedInquiry) -> None:
    """Record a question.

    Raises:
        DecisionRefused: the proposal is no longer in review (`already_decided`), or enough was asked (`too_many_questions`).
        IntegrityError: it is about something else.
    """
    question = signed.question
    await check_asked(book, ledger, question, left="ask")
    if len(await book.tx.all("exchanges_of", proposal=question.proposal)) >= MOST_QUESTIONS:
        raise DecisionRefused(
            Rule.TOO_MANY_QUESTIONS,
            f"{MOST_QUESTIONS} questions were asked about it, and no more are.",
            fix="Decide by what is known, or reject it with the code needs_information.",
        )
    told = record(QUESTION, question.id, to_body(signed))
    await book.append(event("question_asked", question.proposal, question.at, (told,)))


async def answer(book: Book, given: Answer) -> None:
    """Record an answer; the same one again is that of before.

    Raises:
        Refusal: `not_found` where nobody asked that, `question_closed` where it is answered otherwise or the proposal left review.
    """
    row = await book.tx.one("question_by_id", id=given.question)
    proposal = await book.tx.one("proposal_by_id", id=given.proposal)
    if row is None or proposal is None or row["proposal"] != given.proposal:
        raise Refusal(Code.NOT_FOUND)
    exchanges, _ = await of_proposal(book.tx, given.proposal)
    asked = next((one for one in exchanges if one.asked.question.id == given.question), None)
    if asked is None:
        raise Refusal(Code.NOT_FOUND)
    before = asked.answer
    if before is not None and before.text == given.text:
        return
    waits = proposal["status"] == Status.REVIEW_REQUIRED.value and given.at < proposal["expires_at"]
    if before is not None or not waits:
        why = "is answered already" if before is not None else "is about a proposal that is not in review any more"
        raise Refusal(Code.QUESTION_CLOSED, f"The question {why}.")
    told = record(ANSWER, given.id, to_body(given))
    await book.append(event("question_answered", given.proposal, given.at, (told,), {"question": given.question}))
