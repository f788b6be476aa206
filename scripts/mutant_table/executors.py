"""The mutants of what an application carries out: the handler's protocol, its adapters and its helper."""

from scripts.mutant_table.mutant import Mutant

_ANSWERS = "tests/attack/test_handler_answers.py -k"
_HELPER = "tests/conformance/test_handler.py -k"
_HTTP = "tests/unit/test_http_handler.py -k"
_COMMAND = "tests/unit/test_command_handler.py -k"
_WIRED = "tests/unit/test_executors.py -k"
_UNWRITTEN = "tests/attack/test_unwritten.py -k"

MUTANTS = (
    Mutant("executor.about-key", "executor:exact", "core/handed.py", "return [(a.key, a.digest) for a in answer.about] ==", "return True or [] ==", f"{_ANSWERS} is_not_exactly_that"),
    Mutant("executor.exact", "executor:exact", "core/handed.py", "return told == [[", "return len(told) == 1 or told == [[", f"{_ANSWERS} is_not_exactly_that"),
    Mutant("executor.for-a-person", "executor:verdict", "core/handed.py", "if why in _FOR_A_PERSON:", "if False:", f"{_ANSWERS} a_verdict_of_the_handler"),
    Mutant("executor.all-guards", "executor:document", "core/handed.py", "for name in compared(proposal)}", "for name in proposal.guards}", f"{_ANSWERS} is_told_keys"),
    Mutant("executor.lapsed", "executor:closed", "flow/handing.py", "if lapsed := next((task for task in job.tasks if task.expired()), None):", "if lapsed := next(iter(job.tasks[:0]), None):", f"{_ANSWERS} has_lapsed_meanwhile"),
    Mutant("executor.status-fits", "executor:unknown", "flow/handing.py", "reply.status in {None, answer.came.status}", "True", f"{_ANSWERS} proves_nothing"),
    Mutant("executor.nothing-is-unknown", "executor:unknown", "flow/handing.py", "return _UNKNOWN if is_nothing(answer) else _verdict(answer, job.claim)", "return _verdict(answer, job.claim)", f"{_ANSWERS} proves_nothing"),
    Mutant("executor.words", "executor:words", "flow/handing.py", '.translate(dict.fromkeys((*range(32), 127), "?"))', "", f"{_ANSWERS} own_words"),
    Mutant("executor.waits", "executor:waits", "flow/handing.py", "wait=reply.wait)", "wait=0.0)", f"{_ANSWERS} left_alone"),
    Mutant("executor.said-twice", "executor:unknown", "handler/wire.py", "if len(made) < len(pairs):", "if False:", f"{_ANSWERS} proves_nothing"),
    Mutant("executor.short-words", "executor:words", "handler/answer.py", "code=code, detail=detail[:MOST_DETAIL], again", "code=code, detail=detail, again", f"{_ANSWERS} own_words"),
    Mutant("executor.closed-list", "executor:unknown", "handler/answer.py", 'code not in CODES[came] if came in CODES else code != ""', '(came not in CODES and code != "")', f"{_ANSWERS} proves_nothing"),
    Mutant("executor.not-by-sql", "executor:named", "work/authority.py", "known = proposal.executor is None or proposal.executor in self.handlers", "known = True", f"{_ANSWERS} hands_the_job_to_nobody"),
    Mutant("executor.one-of-a-group", "group:whole", "contract/workflows.py", "if first is not None and found.executor != first.executor:", "if False:", "tests/unit/test_contract_rules_of_deciding.py -k stand_or_fall_together"),
    Mutant("executor.approved-with-it", "executor:named", "core/authority.py", "(proposal.executor != form.executor, Why.EXECUTOR_CHANGED)", "(False, Why.EXECUTOR_CHANGED)", f"{_WIRED} who_carries_it_out"),
    Mutant("executor.in-the-proposal", "executor:named", "flow/propose.py", "executor=capability.executor,", "executor=None,", f"{_WIRED} who_carries_it_out"),
    Mutant("executor.no-rights", "executor:handler-applies", "core/needs.py", "return (one for _, one in _asked_of(contract, source) if one.executor is None)", "return (one for _, one in _asked_of(contract, source))", f"{_WIRED} takes_no_right"),
    Mutant("executor.not-configured", "executor:config", "runtime.py", "if missing := sorted(set(needed) - set(self.config.executors)):", "needed = {n: needed[n] for n in self.config.executors if n in needed}\n        if missing := []:", f"{_WIRED} starts_no_worker"),
    Mutant("executor.in-clear", "executor:config", "config/executors.py", 'if parts.scheme == "http" and (profile == "production" or parts.hostname not in LOOPBACK):', "if False:", f"{_WIRED} is_read_strictly"),
    Mutant("executor.absolute", "executor:config", "config/executors.py", 'if not program.is_absolute() or ".." in program.parts:', "if False:", f"{_WIRED} is_read_strictly"),
    Mutant("executor.variables", "executor:config", "config/executors.py", "if name in _KEPT:", "if False:", f"{_WIRED} is_read_strictly"),
    Mutant("executor.no-undo", "contract:rules:documented", "contract/executors.py", "if capability.undo is not None:", "if False:", "tests/unit/test_contract_rules.py -k reported_at_its_line"),
    Mutant("executor.guessed", "executor:signed", "executors/secret.py", "if len(secret.reveal()) < LEAST_SECRET:", "if False:", f"{_HTTP} could_be_guessed"),
    Mutant("executor.denied", "executor:unknown", "executors/http.py", "if status == _DENIED:", "if False:", f"{_HTTP} told_apart"),
    Mutant("executor.later", "executor:unknown", "executors/http.py", "if status in _LATER:", "if False:", f"{_HTTP} told_apart"),
    Mutant("executor.longest-wait", "executor:unknown", "executors/http.py", "return min(float(text), LONGEST_WAIT)", "return float(text)", f"{_HTTP} told_apart"),
    Mutant("executor.packed", "executor:bounded", "executors/http.py", 'if answer.headers.get("content-encoding", "identity").lower() != "identity":', "if False:", f"{_HTTP} late_cut_or_packed"),
    Mutant("executor.too-large", "executor:bounded", "executors/http.py", "if len(body) > MOST_ANSWER_BYTES:", "if False:", f"{_HTTP} too_large"),
    Mutant("executor.unknown-is-not-unreached", "executor:bounded", "executors/http.py", "Heard.UNREACHED if came in _NOT_SENT else Heard.UNKNOWN", "Heard.UNREACHED", f"{_HTTP} late_cut_or_packed"),
    Mutant("executor.age", "executor:signed", "handler/signature.py", "if not any(signed) or abs((time.time() if now is None else now) - int(form[1])) > max_age:", "if not any(signed):", f"{_HTTP} did_not_sign"),
    Mutant("executor.signature", "executor:signed", "handler/signature.py", "if not any(signed) or", "if", f"{_HTTP} did_not_sign"),
    Mutant("executor.moment-is-signed", "executor:signed", "handler/signature.py", 'f"{at}.".encode() + body', "body", f"{_HTTP} did_not_sign"),
    Mutant("executor.job-size", "executor:signed", "handler/signature.py", "if form is None or len(body) > max_bytes:", "if form is None:", f"{_HTTP} did_not_sign"),
    Mutant("executor.environment", "executor:command", "executors/command.py", "environment = {name: secret.reveal() for name, secret in self._environment.items()}", "environment = {**os.environ, **{name: secret.reveal() for name, secret in self._environment.items()}}", f"{_COMMAND} nothing_of_the_workers"),
    Mutant("executor.whole-group", "executor:command", "executors/command.py", "os.killpg(process.pid, signal.SIGKILL)", "os.kill(process.pid, signal.SIGKILL)", f"{_COMMAND} gone_with_it"),
    Mutant("executor.ended-well", "executor:command", "executors/command.py", "if written is None or code != 0:", "if written is None:", f"{_COMMAND} fails_or_never_ends"),
    Mutant("executor.output-bounded", "executor:command", "executors/command.py", "return len(written) <= MOST_ANSWER_BYTES", "return True", f"{_COMMAND} fails_or_never_ends"),
    Mutant("executor.verdict-first", "executor:once", "handler/once.py", "        if known is not None:\n            return known\n        if job.ask", "        if job.ask", f"{_HELPER} 'a_look_tells and sqlite'"),
    Mutant("executor.another-digest", "executor:once", "handler/once.py", "found[change.key][0] != change.digest", "False", f"{_HELPER} 'another_digest and sqlite'"),
    Mutant("executor.part-of-a-group", "executor:group", "handler/once.py", "if len(found) < len(keys) or len(verdicts) > 1:", "if len(verdicts) > 1:", "tests/attack/test_handler_groups.py -k recorded_alone"),
    Mutant("executor.helper-exact", "executor:exact", "handler/once.py", "            check_rows(change, apply(session, change))", "            apply(session, change)", f"{_HELPER} 'not_exactly and sqlite'"),
    Mutant("executor.helper-in-time", "executor:verdict", "handler/once.py", "if job.lapsed(now()):", "if False:", f"{_HELPER} 'application_refuses and sqlite'"),
    Mutant("executor.own-transaction", "executor:once", "handler/once.py", "    if session.in_transaction():", "    if False:", f"{_HELPER} 'in_a_transaction and sqlite'"),
    Mutant("executor.closed-is-recorded", "executor:closed", "handler/once.py", 'return _recorded(session, job, Failed("closed"), table, now)', 'return Answer.of(job, Came.FAILED, "closed")', f"{_HELPER} 'was_closed and sqlite'"),
    Mutant("executor.helper-guards", "executor:once", "handler/guards.py", 'if not _holds(change, row, member.tokens["guards"]):', "if False:", f"{_HELPER} 'not_as_it_was and sqlite'"),
    Mutant("executor.true-is-no-number", "executor:exact", "handler/values.py", "if isinstance(given, bool):", "if False:", "tests/unit/test_handler_values.py -k looks_alike"),
    Mutant("executor.trial", "executor:named", "testing/trial.py", 'model_copy(update={"executor": None})', "model_copy()", f"{_WIRED} stands_in"),
    Mutant("executor.unused-told", "executor:config", "examine/executors.py", "if name not in needed:", "if False:", f"{_WIRED} doctor_tells"),
    Mutant("executor.endpoint-proves", "executor:signed", "handler/endpoint.py", "            verify(body, request.headers, known)\n", "", "tests/unit/test_handler_endpoint.py -k not_carried_out"),
    Mutant("executor.endpoint-bounded", "executor:signed", "handler/endpoint.py", "        if len(body) > most:\n            raise NotSigned\n", "", "tests/unit/test_handler_endpoint.py -k not_carried_out"),
    Mutant("executor.endpoint-silent", "executor:once", "handler/endpoint.py", "            return Response(status_code=503)", '            return Response(b"broken", status_code=500)', "tests/unit/test_handler_endpoint.py -k tells_nothing"),
    Mutant("executor.imported", "public-contract:refused-by-name", "contract/public/changes.py", "and _NAME.fullmatch(executor):", "and executor:", "tests/unit/test_public_translation.py -k cannot_be_honoured"),
    Mutant("executor.needs-writer", "executor:no-writer", "core/unwritten.py", "if direct := by_worker(reviewed, source):", "if direct := by_worker(reviewed, source)[:0]:", f"{_UNWRITTEN} needs_a_writer"),
    Mutant("executor.unwritten-waits", "executor:no-writer", "work/authority.py", "if written is not None and not written.carries_out(proposal):", "if False:", f"{_UNWRITTEN} an_older_job"),
    Mutant("executor.nothing-proven", "executor:no-writer", "work/posture.py", "if not place.has_writer:", "if False:", f"{_UNWRITTEN} doctor_and"),
)  # fmt: skip
