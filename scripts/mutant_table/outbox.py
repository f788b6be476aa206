"""The mutants of what an application accepts and does later: what the worker makes of it, and the helper's outbox."""

from scripts.mutant_table.mutant import Mutant

_WORKER = "tests/attack/test_accepted.py -k"
_OUTBOX = "tests/conformance/test_outbox.py -k"
_HANDING = "flow/handing.py"
_HELPER = "handler/outbox.py"

MUTANTS = (
    Mutant("accepted.only-looked-at", "accepted:asked", _HANDING, "        if claim.accepted:", "        if False:", f"{_WORKER} 'begins_nothing and sqlite'"),
    Mutant("accepted.with-its-rows", "accepted:truth", _HANDING, "if answer.came in _APPLIED and not is_exact(", "if False and not is_exact(", f"{_WORKER} 'contradicts and sqlite'"),
    Mutant("accepted.never-given-up", "accepted:waits", _HANDING, "    if not claim.accepted:\n        return result\n", "    return result\n", f"{_WORKER} 'never_given_up and sqlite'"),
    Mutant("accepted.forgot", "accepted:truth", _HANDING, "return _FORGOT if is_nothing(answer) and claim.accepted else answer", "return answer", f"{_WORKER} 'contradicts and sqlite'"),
    Mutant("accepted.bound", "accepted:bound", "work/lane.py", "if result.outcome is not Outcome.ACCEPTED or now < result.asked_until:", "if True:", f"{_WORKER} 'too_long and sqlite'"),
    Mutant("accepted.bound-is-kept", "accepted:bound", "work/authority.py", "before.until if before is not None else self._may_be_open(handler)", "self._may_be_open(handler)", f"{_WORKER} 'too_long and sqlite'"),
    Mutant("accepted.by-events", "accepted:forged", "ledger/verify.py", "stands != (is_open, attempts, parked, later, anew, accepted):", "stands[:5] != (is_open, attempts, parked, later, anew):", f"{_WORKER} 'column and sqlite'"),
    Mutant("accepted.told-by-events", "accepted:forged", "ledger/accepted.py", 'if not any(one["kind"] == ACCEPTED for one in told):', 'if row["accepted"] is None:', f"{_WORKER} 'forged_column and sqlite'"),
    Mutant("accepted.canceled-is-asked", "accepted:steered", "work/lane.py", "(record_verdict(claim, denied.result) if canceled else read_verdict(claim))", "read_verdict(claim)", f"{_WORKER} 'takes_it_back and sqlite'"),
    Mutant("accepted.truth-is-asked", "accepted:steered", "work/lane.py", "if claim is not None and claim.accepted:", "if False:", f"{_WORKER} 'whoever_takes_back and sqlite'"),
    Mutant("accepted.later", "accepted:asked", "work/lane.py", "min(result.wait, self.pace.asked_most)", "result.wait", f"{_WORKER} 'ten_minutes and sqlite'"),
    Mutant("accepted.after-a-cancel", "accepted:steered", "ledger/accepted.py", 'later = at if row["anew"] >= held.attempt else not_before', "later = not_before", f"{_WORKER} 'while_it_is_asked and sqlite'"),
    Mutant("accepted.no-row-yet", "accepted:truth", "handler/answer.py", " or any(each.rows for each in about):", ":", f"{_WORKER} 'half_word and sqlite'"),
    Mutant("accepted.nothing-to-come", "accepted:truth", "handler/answer.py", '        if "ask_again_in" in told:', "        if False:", f"{_WORKER} 'half_word and sqlite'"),
    Mutant("accepted.confirmation-form", "accepted:truth", "handler/answer.py", "if form.fullmatch(told) is None:", "if False:", f"{_WORKER} 'half_word and sqlite'"),
    Mutant("accepted.schema", "accepted:forged", "ledger/migrations/sqlite/0001_initial.sql", "WHEN OLD.accepted IS NOT NULL OR NOT EXISTS (\n", "WHEN NOT EXISTS (\n", "tests/unit/test_ledger_schema.py -k stays_as_it_was_accepted"),
    Mutant("outbox.known", "outbox:once", _HELPER, "            if told is not None:\n                withdrawn", "            if told is not None and job.ask is not Ask.APPLY:\n                withdrawn", f"{_OUTBOX} 'applied_at_once_before and sqlite'"),
    Mutant("outbox.another-digest", "outbox:once", "handler/kept.py", "found[change.key].digest != change.digest", "False", f"{_OUTBOX} 'told_so and sqlite'"),
    Mutant("outbox.receipts-count", "outbox:once", _HELPER, "told = recorded_before(session, job, self.receipts) or self._known(session, job)", "told = self._known(session, job)", f"{_OUTBOX} 'applied_at_once_before and sqlite'"),
    Mutant("outbox.begun-is-not-taken-back", "outbox:withdrawn", _HELPER, 'if not lines or any(line.attempts or line.state != "accepted" for line in lines):', "if not lines:", f"{_OUTBOX} 'never_afterwards and sqlite'"),
    Mutant("outbox.taken-back", "outbox:withdrawn", _HELPER, "job.ask is Ask.CLOSE and told.came is Came.ACCEPTED and", "False and", f"{_OUTBOX} 'never_afterwards and sqlite'"),
    Mutant("outbox.in-time", "outbox:withdrawn", _HELPER, "if lead.attempts == 0 and job.lapsed(moment(now)):", "if False:", f"{_OUTBOX} 'in_time and sqlite'"),
    Mutant("outbox.accepted-in-time", "outbox:withdrawn", _HELPER, "            if job.lapsed(moment(now_of(session))):", "            if False:", f"{_OUTBOX} 'in_time and sqlite'"),
    Mutant("outbox.free", "outbox:claim", _HELPER, 'free = or_(line.claim == "", line.claimed_until <= now)', "free = line.claim.is_not(None)", f"{_OUTBOX} 'same_key and sqlite'"),
    Mutant("outbox.expired-is-free", "outbox:claim", _HELPER, 'free = or_(line.claim == "", line.claimed_until <= now)', 'free = line.claim == ""', f"{_OUTBOX} 'same_key and sqlite'"),
    Mutant("outbox.by-row", "outbox:claim", _HELPER, "line.due_at <= now, free, ~before", "line.due_at <= now, free", f"{_OUTBOX} 'about_one_row and sqlite'"),
    Mutant("outbox.sets-meet-all", "outbox:claim", _HELPER, 'meets = or_(older.c.row_of == mine.c.row_of, older.c.row_of == "", mine.c.row_of == "")', "meets = older.c.row_of == mine.c.row_of", f"{_OUTBOX} 'about_one_row and sqlite'"),
    Mutant("outbox.due", "outbox:claim", _HELPER, "line.due_at <= now, free,", "free,", f"{_OUTBOX} 'given_back_for_later and sqlite'"),
    Mutant("outbox.one-claims", "outbox:claim", _HELPER, 'mine = and_(self.table.c.claim == lead.claim, self.table.c.state == "accepted")', "mine = self.table.c.claim.is_not(None)", f"{_OUTBOX} 'was_quicker and sqlite'"),
    Mutant("outbox.claim-lost", "outbox:claim", _HELPER, "if not lines or not secrets.compare_digest(lines[0].claim, claim.token):", "if not lines:", f"{_OUTBOX} 'same_key and sqlite'"),
    Mutant("outbox.claim-expired", "outbox:claim", _HELPER, 'if lines[0].state != "confirmed" and lines[0].claimed_until <= now_of(session):', "if False:", f"{_OUTBOX} 'same_key and sqlite'"),
    Mutant("outbox.an-outcome", "outbox:confirm", _HELPER, "if not isinstance(outcome, Refused) and outcome is not Came.APPLIED:", "if False:", f"{_OUTBOX} 'no_outcome and sqlite'"),
    Mutant("outbox.stands-by-its-claim", "outbox:claim", _HELPER, "            self._standing(session, claim)\n            return self._end(", "            return self._end(", f"{_OUTBOX} 'taken_back_confirms and sqlite'"),
    Mutant("outbox.recorded-together", "outbox:once", "handler/kept.py", "len(found) < len(keys) or len({line.entry for line in found.values()}) > 1", "False", f"{_OUTBOX} 'apart_or_in_part and sqlite'"),
    Mutant("outbox.equal-alone", "outbox:confirm", _HELPER, "if (lead.said, lead.evidence) != (said, proof):", "if lead.said != said:", f"{_OUTBOX} 'same_confirmation and sqlite'"),
    Mutant("outbox.equal-word", "outbox:confirm", _HELPER, "if (lead.said, lead.evidence) != (said, proof):", "if lead.evidence != proof:", f"{_OUTBOX} 'same_confirmation and sqlite'"),
    Mutant("outbox.twice-changes-nothing", "outbox:confirm", _HELPER, '            if lead.state == "confirmed":\n                if (', '            if lead.state == "never":\n                if (', f"{_OUTBOX} 'same_confirmation and sqlite'"),
    Mutant("outbox.exact", "outbox:exact", _HELPER, "                check_rows(change, self.apply(session, change))", "                self.apply(session, change)", f"{_OUTBOX} 'for_a_person and sqlite'"),
    Mutant("outbox.stands", "outbox:exact", _HELPER, 'Came.CONFLICT, "effect_stands", said=said', 'Came.CONFLICT, "version_moved", said=said', f"{_OUTBOX} 'for_a_person and sqlite'"),
    Mutant("outbox.dead", "outbox:dead", _HELPER, "if lead.attempts >= self.most:", "if False:", f"{_OUTBOX} 'is_dead and sqlite'"),
    Mutant("outbox.revived-was-begun", "outbox:dead", _HELPER, 'found.values(state="accepted", attempts=1)', 'found.values(state="accepted", attempts=0)', f"{_OUTBOX} 'is_dead and sqlite'"),
    Mutant("outbox.prepared-is-undone", "outbox:confirm", _HELPER, "                self._touch(session, claim.job, self.undo)\n                return self._end", "                return self._end", f"{_OUTBOX} 'taken_back and sqlite'"),
    Mutant("accepted.http-wired", "accepted:bound", "executors/http.py", "        self.accepted_seconds = accepted_seconds\n", "        self.accepted_seconds = ACCEPTED_SECONDS\n", "tests/unit/test_executors.py -k may_be_open"),
    Mutant("accepted.command-wired", "accepted:bound", "executors/command.py", "        self.accepted_seconds = accepted_seconds\n", "        self.accepted_seconds = ACCEPTED_SECONDS\n", "tests/unit/test_executors.py -k may_be_open"),
)  # fmt: skip
