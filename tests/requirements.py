"""The promises, each with a stable id, one sentence and its source; `test_requirements.py` compares them with the tests both ways."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requirement:
    """One promise.

    Attributes:
        sentence: what holds.
        source: the law of the house, or the numbered promise of the threat model, that it comes from.
    """

    sentence: str
    source: str


_R = Requirement
REQUIREMENTS: dict[str, Requirement] = {
    "accepted:asked": _R(
        "What an application has accepted is asked again under the same key and digest, when it wants to be and at least every ten minutes, and never begun anew.",
        "decision 0032",
    ),
    "accepted:bound": _R(
        "What is accepted and open for longer than its executor allows, counted from its first word, is for a person, and never guessed.",
        "R4, decision 0032",
    ),
    "accepted:forged": _R(
        "That something is accepted is what the ledger's events tell; a column that says so proves nothing, and is found.",
        "law 9",
    ),
    "accepted:order": _R(
        "Later changes of a row wait for the one that is accepted.",
        "R6, decision 0032",
    ),
    "accepted:steered": _R(
        "Once accepted, no pause, cancel, revocation or new contract makes a change count as not made: the application is asked, and its word counts.",
        "R4, decision 0032",
    ),
    "accepted:told": _R(
        "A change that is accepted and not done is told as that, and as nothing else, to people and agents.",
        "law 7, decision 0032",
    ),
    "accepted:truth": _R(
        "What contradicts an earlier word that something is accepted is for a person; half a word is no answer.",
        "R4, R5",
    ),
    "accepted:waits": _R(
        "To be asked again is no attempt: what is accepted is never given up as if nothing had been done.",
        "R2, decision 0032",
    ),
    "acting:one-opening": _R(
        "Whatever a person does begins with the same checks in one order: the chain of events, their key, what they were shown, that the ledger agrees with itself about it, that something is left to do, and their role; each refusal is on record, and no verb makes these checks by itself.",
        "law 5, law 9",
    ),
    "activation:bound": _R(
        "An activation counts only as it was signed: this contract, this digest, this ledger, a trusted reviewer.",
        "S12",
    ),
    "activation:withdrawn": _R(
        "A contract that was replaced stays so when its successor's activation is taken out of the ledger: nothing is served, approved or applied by it. So does a stop of automatic approval.",
        "law 9, S12",
    ),
    "aggregate:any-contract": _R(
        "Whatever aggregate is accepted and whatever is called, what is told is what the reviewed filters say of the session's own rows, of enough of them.",
        "law 1, law 2, S5",
    ),
    "aggregate:budget": _R(
        "A day's calls and different questions are counted once over all server processes, before the source is asked.",
        "law 2",
    ),
    "aggregate:exact": _R("A measure is exact, and an average is rounded once.", "R5, R7"),
    "aggregate:no-subtraction": _R(
        "What is withheld does not follow from what is told, nor from a total, nor from a total of one value of a group.",
        "S5",
    ),
    "aggregate:periods-apart": _R("Two compared periods share no row.", "S5"),
    "aggregate:same-everywhere": _R("The same rows have the same groups and measures on every engine.", "R7"),
    "aggregate:small-withheld": _R(
        "Nothing that fewer rows than the minimum stand behind is in any answer, order, evidence, record or log.", "S5"
    ),
    "aggregate:tenant": _R("Only rows of the session's own scope are counted.", "law 2, S4"),
    "aggregate:whole": _R(
        "What may be told is decided over all groups; a call that finds too many, or too much text, is refused.", "R9"
    ),
    "amend:anew": _R(
        "An edited or extended proposal is made anew from the activated contract and the rows as they are, and stays the requester's.",
        "law 5, R6",
    ),
    "amend:bounded": _R(
        "An edit is inside the contract, of the same rows, a few times at the most, and refused before anything is signed where it is not.",
        "law 5",
    ),
    "amend:by-whom": _R(
        "Only a trusted person with the role, other than the requester, edits or extends, with their own key or a session of theirs.",
        "law 5, S8",
    ),
    "amend:people-decide": _R(
        "Who edited a proposal decides on nothing that comes of it, and no policy approves what a person edited or extended.",
        "law 5, S8",
    ),
    "amend:proven": _R(
        "The worker proves each amendment of a lineage, back to what the agent asked for, by the signature over the whole of it.",
        "laws 5 and 9, S8",
    ),
    "amend:refusals-recorded": _R(
        "Whoever is refused a question, an edit or more time is recorded, as of any decision.", "law 9"
    ),
    "amend:shown": _R("The card says what reviewers changed of what the agent sent, over all edits, and who.", "law 5"),
    "amend:superseded": _R("A proposal is replaced once, in one transaction, and only while it is in review.", "law 5"),
    "amend:told": _R(
        "The agent is told which proposal took the place of its own, and which arguments a reviewer changed; not who.",
        "law 7",
    ),
    "apply:all-or-nothing": _R(
        "An apply that fails at any step leaves neither the change nor its receipt.", "law 4, R3"
    ),
    "apply:bounded": _R(
        "A worker takes in no row that is larger than what a proposal may show, whatever a cell holds.", "R9"
    ),
    "apply:clock-jumps": _R(
        "A worker whose clock jumps a day ahead or back at whatever point of a job does nothing wrong, and every proposal comes to its end.",
        "R10",
    ),
    "apply:contradiction-ends": _R(
        "A job that the ledger's own records contradict ends once, with what came of it on record, and moves no proposal.",
        "laws 4 and 9",
    ),
    "apply:cut": _R(
        "Whatever is cut of the connection, and however, before, at or after the COMMIT or while its receipt is looked for, every"
        " proposal ends once, whole, and as it is told.",
        "law 4, R4",
    ),
    "apply:exact": _R("What is stored is exactly what was approved, or nothing is.", "law 4, R5"),
    "apply:exactly-once": _R(
        "An approved change takes effect once, whatever is killed or paused in between.", "law 4, R1"
    ),
    "apply:guarded": _R("The update matches only the row whose key, tenant and guards still hold.", "law 4, R6"),
    "apply:ledger-fails": _R(
        "Where the ledger is full, read-only or held by another process, from whatever point of a job on, nothing is lost or half, and"
        " the work goes on when it can.",
        "R2, R3",
    ),
    "apply:lock-bounded": _R("A worker waits for a lock no longer than it was told to.", "R9"),
    "apply:named-points": _R(
        "Every step of applying that writes something has a named point after it, at which the chaos tests kill, pause, cut and fail it.",
        "R1",
    ),
    "apply:none-lost": _R("Every approved proposal reaches its end.", "R2"),
    "apply:none-unapproved": _R("No change takes effect without a valid signature over its digest.", "law 5, S8"),
    "apply:outcome-true": _R("A reported outcome is what happened in the source.", "R1, R3, R4"),
    "apply:receipt-kept": _R(
        "What the owner's rules or triggers swallow of a receipt keeps its change from being made: without a receipt nothing is applied and nothing is canceled.",
        "law 4, R1",
    ),
    "apply:receipt-once": _R(
        "The first receipt of a proposal decides; a second one is refused by the database.", "law 4, R1"
    ),
    "apply:receipts-at-once": _R(
        "The receipts of a group that another worker commits while they are looked for are all there, or none is.",
        "R1, R4",
    ),
    "apply:receipts-first": _R("A worker does not start on a source whose receipts could not be believed.", "D07"),
    "apply:server-restarts": _R(
        "Where a database server ends a worker's sessions, or is killed and started again, at whatever point of a job, each change is"
        " whole and once.",
        "R10",
    ),
    "apply:stale-conflicts": _R("A row that moved on after the proposal is not overwritten.", "R6"),
    "apply:starts": _R(
        "A worker starts whatever another writer does to the source, or left half done there when it was killed.", "R2"
    ),
    "apply:tenant": _R("No change reaches a row of another tenant.", "law 4, S4"),
    "apply:unknown-is-unknown": _R("A lost answer to COMMIT is reported as unknown, never as failed or applied.", "R4"),
    "apply:verdict-fenced": _R(
        "A reported conflict stays one, even when a paused worker wakes up later.", "decision 0004"
    ),
    "apply:whole-life": _R(
        "Whatever agents, people, other hands, dying workers and clocks do in whatever order, proposals, rows and receipts are as a"
        " model in plain Python says.",
        "R1, R3, R6",
    ),
    "approval:a-person-is-there": _R(
        "A decision needs the full digest, or its beginning typed at a terminal; piped input is nobody.", "law 6, E11"
    ),
    "approval:another-person": _R(
        "Nobody decides on their own request, under no spelling of their name.", "law 5, E03"
    ),
    "approval:by-prompt": _R(
        "Through a prompt nothing is decided without a code that is bound to the proposal, nor beyond the risk that the contract allows.",
        "law 6, S8",
    ),
    "approval:clocks": _R(
        "A clock that is set back loses no approved change: an approval that could not count is not signed, and one of a moment to come is waited for.",
        "law 5, R2",
    ),
    "approval:code-before-asked": _R(
        "Who has no one-time codes is refused an approval that takes one before they are asked for anything.",
        "law 5",
    ),
    "approval:copied-text": _R("A new text that repeats what the agent read is traced to where it was read.", "H03"),
    "approval:could-be-applied": _R("Nobody approves what the worker would never apply; it can be rejected.", "law 5"),
    "approval:evidence": _R(
        "The rows that the agent read are told with their age, hidden ones covered, and what is not told is counted.",
        "law 5",
    ),
    "approval:in-time": _R("An approval counts only before it expires.", "law 5, E05"),
    "approval:its-moment": _R(
        "A decision counts only where the ledger signed its event at the moment that the decision says: one that is dated back counts for nothing, and by a clock that moved meanwhile none is recorded.",
        "law 5, S8",
    ),
    "approval:login": _R(
        "A session speaks for one trusted person, for a while, in one ledger, with no more roles than the person has.",
        "law 5, S8",
    ),
    "approval:no-tricks": _R("Nothing in a proposal can act on a terminal, imitate a line or hide.", "E09"),
    "approval:of-now": _R(
        "An approval counts only if it is of a moment after its proposal and not of one to come, as far as clocks may be apart, and for a day at most; no session counts that was over when it was asked.",
        "law 5, E05",
    ),
    "approval:once": _R("A proposal is decided once.", "law 5, S8"),
    "approval:one-digest": _R("An approval is good for exactly the digest it signs.", "law 5, E01"),
    "approval:one-judge": _R(
        "What is said to keep a person from a decision is what deciding refuses them, wherever it is said, and nothing else.",
        "issue 4",
    ),
    "approval:one-time-code": _R(
        "Where an approval takes a one-time code it is given with it, used once, hard to guess, and verified again by the worker.",
        "law 5, S8",
    ),
    "approval:policy-told": _R("Why a policy left it to a person is told in plain words.", "issue 4"),
    "approval:quorum": _R(
        "A proposal is approved by as many different people as its contract asks for, each counted once, and by nobody who is not trusted any more.",
        "law 5, E07",
    ),
    "approval:reason-code": _R("A reason code is one of the reviewed list and part of what is signed.", "law 5"),
    "approval:reason-told": _R(
        "A reason that cannot be recorded is refused with what is wrong with it, such as which invisible character it holds.",
        "DESIGN 1",
    ),
    "approval:reject-is-final": _R("One rejection while it is in review is final.", "law 5, E07"),
    "approval:right-to-left": _R(
        "Where letters run from the right, a terminal is told what was and what is to be in a line each, and a message has words between them: nothing turns them round.",
        "E09",
    ),
    "approval:risk": _R(
        "Risk, role and quorum are computed from the proposal by the activated contract, by whoever files, approves and applies.",
        "law 5",
    ),
    "approval:rivals": _R("Other open proposals about the same row are told on the card.", "issue 4"),
    "approval:shown-in-full": _R("Nobody approves a card that was cut.", "law 5, E09"),
    "approval:trusted-key": _R("Only a signature of a trusted, unrevoked key in the right role counts.", "law 5, S8"),
    "approval:trusted-now": _R(
        "Whoever was revoked, or lost a role or a key, does nothing any more with what was read of them before.",
        "law 5, S8",
    ),
    "approval:typed": _R(
        "A value is told by its type beside its exact text: money, instants, documents, lines; and NULL apart from every text.",
        "issue 4",
    ),
    "arguments:closed": _R("An argument of another name, type or form is refused on every engine.", "A01, A03, A08"),
    "arguments:literal": _R("Whatever a text argument holds is a value and nothing else.", "A09"),
    "audit:every-call": _R("Every call has an audit, refused, failed and cancelled ones too.", "law 2, I16"),
    "batch:alike": _R(
        "Which open proposals are alike, and which stand out, follows from fixed rules; what is for its own card is in no batch.",
        "law 5",
    ),
    "batch:each": _R(
        "Each proposal of a batch is signed over its own digest, and what one fails by ends none of the others.",
        "law 5",
    ),
    "batch:shown": _R(
        "A batch is exactly what was shown in full, by the digest over all of it; what arrives later is not in it.",
        "law 5",
    ),
    "batch:stale-said-before": _R(
        "Before several are approved together, each is shown with its rows as they are now, and one that has moved is left to its own approval.",
        "law 5, issue 4",
    ),
    "blast:accepted": _R(
        "Of a delete it is told beforehand which of what it does beside its contract does not accept, so that the worker would not apply it.",
        "issue 4",
    ),
    "blast:application": _R(
        "Of a change that an application carries out nobody is told that it touches nothing else: what the application does beside cannot be seen, and that is said.",
        "decision 0029",
    ),
    "blast:counted": _R(
        "Rows that refer to a change's rows are counted exactly, up to a limit of rows and of time, and only where the reader may read what is counted.",
        "law 2, issue 4",
    ),
    "blast:harmless": _R(
        "A name from a catalogue does nothing to a terminal or a page, and stands in no statement unless it is a plain one.",
        "E09",
    ),
    "blast:named": _R(
        "Foreign keys with their actions, triggers, checks and computed columns that a change meets are told by name, on every engine as far as its reader sees them.",
        "issue 4",
    ),
    "blast:recorded": _R("That rows were counted is in the query audit, and no value of them is anywhere.", "law 2"),
    "blast:unknown-is-not-green": _R(
        "What a reader may not see is said to be unseen, and a change of which something is not known is never green.",
        "law 10",
    ),
    "board:decides": _R(
        "What a person decides by the keyboard is decided as by the commands, and is told at once.", "law 5"
    ),
    "board:fits": _R(
        "The board fits its terminal whatever its size and whatever words of others stand in it, and shows whole what it counts as seen.",
        "law 5, E09",
    ),
    "board:keeps-open": _R("Who is about to reject by the keyboard is told how to ask the agent instead.", "issue 4"),
    "board:leaves-terminal": _R(
        "A board that is told to end finishes its decision and leaves the terminal as it was.", "DESIGN 1"
    ),
    "board:looks": _R(
        "By the keyboard the source can be looked at from a card, beside the board and within a time, and what comes of it is read before anything is approved.",
        "law 5, E14",
    ),
    "board:looks-before": _R(
        "By the keyboard the source is looked at for whoever may approve; how the rows stand and what else is touched is read before it.",
        "law 5, issue: terminal",
    ),
    "board:no-colour-alone": _R("On the board nothing is told by a colour alone, and NO_COLOR is kept.", "issue 4"),
    "board:own-key": _R(
        "Of several keys the board is opened with the only one that approves anything by a contract; a key of a process is nobody's.",
        "law 5",
    ),
    "board:reads-what-moved": _R(
        "While the ledger, the operators and the time stand still, the board reads no proposal.", "issue 4"
    ),
    "board:seen": _R(
        "By the keyboard nobody approves a card that was not on the screen to its end, nor without its digest.",
        "law 5, E09",
    ),
    "canary:nowhere": _R(
        "No byte of another tenant, a denied column or a secret stands in any answer, log or record.", "S4, S5, S7"
    ),
    "card:receiptless": _R(
        "Who decides is told where a source keeps no receipts, and that a person then has to say what became of a change of which the answer is lost.",
        "decision 0027",
    ),
    "cases:exit": _R("A case that fails ends `test` with 1, in text, JSON and JUnit XML alike.", "DESIGN 6"),
    "cases:live": _R("A case on a live source reads and does nothing else.", "law 1"),
    "cases:run": _R("A case holds only if everything that it expects is so.", "DESIGN 5"),
    "cases:schema": _R("The published JSON Schema of cases is that of the models.", "STYLE 17"),
    "cases:strict": _R("A wrong file of cases runs nothing, and its scripts reach no other file.", "law 10"),
    "cli:decided": _R(
        "The card of a decided proposal says who decided, when, in which role and why, and what came of it.", "law 5"
    ),
    "cli:demo": _R("`synapsor demo` plays the whole way and checks every step of it.", "DESIGN 7"),
    "cli:exit-codes": _R("Every outcome ends with its documented exit code.", "DESIGN 6"),
    "cli:fits": _R(
        "What commands print for people fits the width of the terminal, and what goes on is marked as such.", "E09"
    ),
    "cli:json": _R("--json gives one versioned document on standard output.", "DESIGN 6"),
    "cli:light-start": _R(
        "Help and version import nothing heavy; what only looks at the record imports no compiler, driver or SDK.",
        "DESIGN 6",
    ),
    "cli:passphrase-last": _R("A passphrase is asked for when nothing else can refuse any more.", "law 5"),
    "cli:refusals-recorded": _R(
        "At a terminal a key that is nobody's, the digest of something else and what a batch leaves out are on record, of each proposal that was meant.",
        "law 9",
    ),
    "cli:role-known": _R("A role that no contract names is given with a warning that names those that are.", "law 10"),
    "codes:told-before": _R(
        "`check` and `activate` tell of one-time codes that the contracts take and nobody could give, as `doctor` does.",
        "law 10",
    ),
    "companion:answers": _R("A line that is no message is answered in fixed words, and the next one is read.", "law 7"),
    "companion:bounded": _R(
        "Over HTTP the companion bounds connections and bodies, says when it serves, and ends in an orderly way.", "R9"
    ),
    "companion:code-decides": _R(
        "Through the companion's prompts a person's own code for the very digest decides, and nothing that a client program answers; a code is made for a proposal that the person names.",
        "law 6, S8",
    ),
    "companion:codes-apart": _R(
        "Codes for two proposals decide both, also within one minute; a code is used up for its own verdict on its own digest alone.",
        "law 6, S8",
    ),
    "companion:leads": _R(
        "The companion leads to the proposal's page of the configured console and nowhere else, and an answer to that decides nothing.",
        "law 6, issue: companion",
    ),
    "companion:looks": _R(
        "What a contract wants looked at is approved through a prompt only after a clean look, with a credential of the companion's own.",
        "law 5, issue: companion",
    ),
    "companion:own-audience": _R(
        "The companion serves who holds a token of its own, on loopback, and no page of another origin.", "law 6, S10"
    ),
    "companion:own-credential": _R(
        "The companion resolves no credential of the project's file, and looks with no writer's.", "law 8"
    ),
    "companion:queue": _R(
        "What waits for others takes no place in a person's queue, and one that was cut says that there may be more.",
        "law 7, issue: companion",
    ),
    "companion:quoted": _R(
        "What rows and agents say stands last in a prompt, fenced and marked, and is rendered by no client.", "S8"
    ),
    "companion:refusals": _R(
        "Who was refused to decide on a proposal is told by rule and in words, with why it is not decided there.",
        "issue: companion",
    ),
    "companion:sessions": _R(
        "One person's client programs have only so many sessions at the companion, and take none of another's.", "S10"
    ),
    "companion:shown": _R(
        "Through a prompt nothing is decided that was not shown there, in full, to the same person.", "law 5, E09"
    ),
    "companion:shown-bounded": _R(
        "The companion remembers a bounded number of digests as shown; one that it has forgotten has to be shown again.",
        "R9",
    ),
    "companion:steers-nothing": _R(
        "A prompt to pause the worker or to cancel a change tells how it stands, whether the person may and where they do it, and does nothing.",
        "law 6",
    ),
    "companion:trusted": _R("Who is not trusted any more is shown nothing through a prompt.", "law 5, S8"),
    "config:strict": _R("An unknown or ambiguous configuration key stops the program with exit code 2.", "law 10"),
    "console:accessible": _R(
        "An accessibility checker finds nothing on any page, light or dark, and none is wider than a telephone.",
        "DESIGN 1",
    ),
    "console:batch": _R(
        "Of several proposals each is shown, signed and recorded by itself, what differs is pointed out, and what asks for more is decided alone.",
        "law 5",
    ),
    "console:bounded": _R(
        "A request that is too large, too slow or malformed is refused before anything is done.", "R9"
    ),
    "console:charts": _R(
        "Charts count what the record holds, say times in a person's words, and have the same numbers as a table.",
        "DESIGN 1",
    ),
    "console:decides-once": _R(
        "Whoever decides at once, twice or again, each proposal is decided once and everybody is told.", "law 5, R1"
    ),
    "console:decides-what-was-shown": _R(
        "A page's form signs the digest that the page showed, after the person has said that they mean it, and nothing else.",
        "law 5, S8",
    ),
    "console:drafts": _R(
        "A policy drafted on a page is the text of the command, made of the decisions that were named; no file and no record is changed by it.",
        "law 10",
    ),
    "console:edits": _R(
        "A page edits by the one verb over the digest that it showed, tells what is wrong at its argument, and leaves what nobody changed exactly what it was.",
        "law 5, S8",
    ),
    "console:extends": _R(
        "A page gives a proposal more time by the one verb, and changes no argument with it.", "law 5"
    ),
    "console:forms-kept": _R(
        "A form that is refused and can be mended comes back as it was filled, but for a one-time code.", "DESIGN 1"
    ),
    "console:headers": _R(
        "No page may be framed, kept, or load or run anything but the console's own files.", "law 6, S11"
    ),
    "console:host": _R(
        "A request for a host that is not listed, or with a doubled header, is refused on every page.", "S10"
    ),
    "console:hostile-content": _R(
        "Text of rows, models and addresses is text on every page; what cannot be shown whole is not approved there.",
        "S11, law 5",
    ),
    "console:keyboard": _R(
        "Pages are worked by keyboard; single keys can be turned off, and none decides.", "DESIGN 1"
    ),
    "console:leads-on": _R(
        "The inbox says who decides on what and marks what its reader cannot approve, and a page leads on to what they can.",
        "DESIGN 1",
    ),
    "console:live": _R("What happens shows on open pages by itself, or is said where somebody is busy.", "DESIGN 1"),
    "console:login-by-key": _R(
        "A session begins with a login that a trusted person signed for the key of this very page, in the browser that asked for it.",
        "law 5, S8",
    ),
    "console:login-needed": _R("Without a session no page shows anything and no form does anything.", "law 1"),
    "console:measures": _R(
        "Who may decide on a change has it measured first by a form of its card, signed in their session, which is not there while that waits.",
        "issue 5",
    ),
    "console:no-script": _R("Logging in, looking, deciding and deciding on several need no script.", "DESIGN 1"),
    "console:no-sideways": _R(
        "On a narrow screen every column of a table of the console is told below the one before, with its name, and none lies beyond the edge.",
        "decision 0034",
    ),
    "console:over-told": _R(
        "A session that ended with its console is told on the login page, which leads back; what was sent is said not to be done.",
        "law 10, S8",
    ),
    "console:overview": _R(
        "Pages of the record lose and repeat nothing, searches find what is there, and counts add up.", "law 9"
    ),
    "console:own-place": _R(
        "A cookie of the console is not sent to another port of its machine, and alone it is nobody.",
        "law 5",
    ),
    "console:page-size": _R(
        "However much was proposed, read or written, a page stays small, and says what it leaves out.", "S11"
    ),
    "console:page-words": _R(
        "A page names no option of a command where it has a button, and shows nothing as open that is over.", "DESIGN 1"
    ),
    "console:pauses": _R(
        "An operator of writeback pauses a source or all, and lets it go on, by a form of the page of the worker: signed in their session, with a reason, by nobody else and on record.",
        "law 5, law 9",
    ),
    "console:policy-test": _R(
        "Who may activate contracts has a candidate policy decide past proposals again on a page, which records and activates nothing.",
        "law 5, law 10",
    ),
    "console:public-needs-tls": _R(
        "Beyond its own machine the console is served by TLS, or behind a named proxy that ends it, and under listed names only.",
        "S10",
    ),
    "console:refusals-recorded": _R(
        "A refused key login, a form with a foreign word and refused decisions are on record, and very many of one person as their number.",
        "law 9",
    ),
    "console:resolves": _R(
        "The page of an unknown outcome shows each row as it was, as it was approved and as it is now, to who may say what became of it and to nobody else; what is signed there is about exactly what it showed.",
        "law 4, law 5",
    ),
    "console:reveals": _R(
        "Hidden values are on no page but the one that answers a form which asks for them, on record first; only who saw them there approves there.",
        "laws 5 and 9, S8",
    ),
    "console:same-origin": _R(
        "What changes something comes from a page of this console and of this session, and leads on to this console alone.",
        "law 6, S10",
    ),
    "console:sessions": _R(
        "A session ends with its time, its browser, its logout, its login and at once with the trust in its person; its cookie is kept nowhere.",
        "law 5, S8",
    ),
    "console:signs-are-seen": _R(
        "No line goes through or under a value on a page: every minus sign, hyphen and underscore of it is seen.",
        "issue 4: the truth about each change",
    ),
    "console:stale-pause": _R(
        "Who lets a source go on lets go on the pause that they were shown: where another one stands by then nothing is changed, and they are told.",
        "law 5",
    ),
    "console:steers": _R(
        "A job that was given up is tried again or discarded, and what is approved is canceled, by a form that names what its page showed, by who may do so at a terminal; a page of before is told what holds by now.",
        "law 5, law 9",
    ),
    "console:step-up": _R(
        "Where the contract asks for a one-time code, the console signs nothing without one.", "law 5"
    ),
    "console:streams-bounded": _R(
        "Nobody takes more streams than their share, logged in or not, and a stream ends with its session.",
        "law 10",
    ),
    "console:switch": _R(
        "A policy steward stops automatic approval, and starts what their page showed as stopped, by a form of the page of the worker: signed in their session in that role, by nobody else and on record.",
        "law 5, decision 0038",
    ),
    "console:trust-unreadable": _R(
        "While nobody can tell whom to trust, every page is refused with what to mend, told to who was let in before and to nobody else.",
        "laws 8 and 10",
    ),
    "console:unverified": _R(
        "An identity that nobody has proven decides nothing, is told on every page, and is refused in production.",
        "law 10",
    ),
    "contract:activated-by-a-reviewer": _R("Only a contract reviewer's key activates a contract.", "DESIGN 5"),
    "contract:activated-for-its-database": _R(
        "An activation counts only for the database that it was signed for.", "law 10"
    ),
    "contract:arguments:no-authority": _R(
        "No argument can carry tenant, principal, SQL, approval or a credential.", "law 1"
    ),
    "contract:arguments:strict": _R(
        "Arguments are checked without coercion, and accepted only if the published schema accepts them.", "A03"
    ),
    "contract:arguments:unknown": _R("An unknown argument is refused and never ignored.", "A01"),
    "contract:digest:meaning": _R("A contract's digest changes with its meaning and with nothing else.", "S12"),
    "contract:digest:roundtrip": _R("A contract can be rebuilt exactly from its recorded body.", "S12"),
    "contract:edited-is-refused": _R(
        "A running server refuses an activated contract while its files cannot be read, do not check or have another digest.",
        "issue: hot refusal",
    ),
    "contract:examples": _R(
        "The example businesses serve, propose and apply on every engine, and show nothing foreign.", "issue 3"
    ),
    "contract:history": _R(
        "Every activation is listed, newest first, with who signed it and which one counts.", "law 9"
    ),
    "contract:load:strict": _R(
        "A contract that is not fully understood is refused, with every problem at once.", "law 10"
    ),
    "contract:load:visible": _R("A contract holds no character that a reviewer cannot see.", "S11, H04"),
    "contract:replaced-is-refused": _R(
        "A running server refuses a contract that is not the activated one any more, reads too.", "law 10"
    ),
    "contract:rolled-back-as-activated": _R(
        "A rollback is a new signed activation of a version that was signed before, by the rules of today, for its own databases.",
        "DESIGN 5, law 9",
    ),
    "contract:rules:documented": _R("Every check rule is documented.", "DESIGN 6"),
    "contract:schema-for-editors": _R(
        "The JSON Schema of a contract is had for editors, from this very version.", "DESIGN 5"
    ),
    "contract:schema:closed": _R("Every object of every published tool schema is closed and complete.", "law 7"),
    "contract:schema:silent": _R("No tool schema names a table, source, tenant or denied column.", "law 7"),
    "contract:served-as-started": _R("What a policy file says that changes under a server is never served.", "H05"),
    "decide:at-once": _R(
        "Whoever decides at once, in whatever process, counts once each, and one job follows.", "law 5"
    ),
    "decide:ledger-fails": _R(
        "Where the ledger has no room or is held, nothing is decided, its rule and a fix are told, and it goes on without a new start.",
        "law 10",
    ),
    "decide:survives-kill": _R(
        "A process that is killed or ended over a decision has recorded it whole or not at all, and what was told stands.",
        "law 5, law 9",
    ),
    "delete:no-more": _R(
        "A delete removes exactly the approved rows, and is refused where the database would do more than was reviewed.",
        "law 4",
    ),
    "deploy:apart": _R(
        "The units and containers give each process a user, one credential and a network of its own; what they share is the ledger.",
        "law 1, law 8",
    ),
    "deploy:codes": _R(
        "One-time codes work where each process is a user of its own, and the server's user cannot read them.", "S7"
    ),
    "deploy:hardened": _R(
        "The units and containers may write the ledger and do nothing else to the machine, and the image holds what the lock files name.",
        "S7",
    ),
    "depends:credential": _R(
        "A worker that may not read and hold the rows that changes depend on does not start, and needs no more than that.",
        "law 3",
    ),
    "depends:held": _R(
        "A change that depends on related rows is made while they are as they were when it was proposed, held in its own transaction.",
        "law 4",
    ),
    "depends:shown": _R("Who decides is shown what a change depends on; the model is not.", "law 5"),
    "diff:as-signed": _R("A recorded version is compared only as it was signed.", "S12"),
    "diff:complete": _R("Every key of the contract language counts when two versions are compared.", "DESIGN 5"),
    "diff:fails-on-growth": _R("A version that grants more than another fails the comparison.", "DESIGN 5, law 10"),
    "diff:never-less": _R("What grants more is never called less.", "DESIGN 5, law 10"),
    "docs:quickstart": _R("Following the quickstart to the letter ends with an applied change.", "DESIGN 7"),
    "docs:true": _R("Every page, command, example and word of the documentation is what the code says.", "STYLE 17"),
    "doctor:channels": _R(
        "Doctor judges the addresses, secrets and mail server of notifications as sending would, and sends nothing.",
        "law 10",
    ),
    "doctor:codes": _R(
        "Doctor says which approvals take a one-time code that nobody of this project could give.",
        "law 10",
    ),
    "doctor:companion": _R(
        "Doctor tells what of the companion is open, shared or beside the agent, and whether it is trusted.", "law 10"
    ),
    "doctor:console": _R(
        "Doctor tells how the console could be overheard, and what leads people to a name that it does not answer to.",
        "law 10",
    ),
    "doctor:goes-on": _R("A source that fails is named, and doctor goes on with the others.", "law 10"),
    "doctor:provider": _R("Doctor tells why the configured identity provider would let nobody in.", "law 10"),
    "doctor:session-values": _R("A session that lacks what a contract needs of it is told at start.", "law 10"),
    "doctor:told-once": _R("Doctor tells each finding once, with the source that it is about.", "law 10"),
    "doctor:what-serve-says": _R("Doctor calls unfit whatever would keep the server from starting.", "law 10"),
    "drift:refused": _R(
        "A relation that changed since its contract was activated refuses its calls, named fact by fact, until somebody signs it anew.",
        "law 10, B15",
    ),
    "errors:closed-table": _R("Every failure of a database becomes a code and words of the closed table.", "law 7, S6"),
    "errors:no-driver-text": _R("No error carries the database's words, SQL, a host or a value.", "law 7, S6"),
    "evidence:as-recorded": _R(
        "Evidence counts only as an event of the ledger tells of it, with the call that it is of: by a row that somebody put there or changed nothing is proposed, and nobody looks behind a hidden value.",
        "law 2, law 9, S5",
    ),
    "evidence:before-rows": _R("Evidence is durable before a row leaves; without it no row does.", "law 2, R8"),
    "evidence:digest-checked": _R("Missing or edited evidence stops an approval.", "law 5"),
    "evidence:may-be-rejected": _R(
        "What is not what it was made from, or was not shown whole, may be rejected on every surface, and every surface says so.",
        "law 5",
    ),
    "evidence:same-everywhere": _R(
        "The same rows have the same digest under every zone, locale and hash seed.", "R7, B32"
    ),
    "executor:authority": _R(
        "What is not authorised now is handed to no application; the one that carries it out is asked what it has recorded.",
        "law 5, decision 0029",
    ),
    "executor:bounded": _R("A handler's answer is taken for so long and of so many bytes, and no longer.", "R9"),
    "executor:closed": _R(
        "What is reported as not applied is recorded so by the application, so that no call that was late applies it.",
        "decision 0004, decision 0029",
    ),
    "executor:command": _R(
        "A program that carries out changes has the signed job, the variables that the project writes out and nothing of the worker's, and is gone with all of its process group when it ends or its time is over.",
        "law 8, R9",
    ),
    "executor:config": _R(
        "An executor is configured with references for secrets, over TLS or on this machine, and a contract that names one that is not there starts no worker.",
        "law 8, law 10",
    ),
    "executor:document": _R(
        "A handler is told the key, the guards and the change of each row, and no other value of it.", "law 7"
    ),
    "executor:exact": _R(
        "Applied is what names exactly the key, digest and rows that were approved; anything else that is said to be applied is for a person.",
        "R5",
    ),
    "executor:exact-scope": _R(
        "A row that the application gives back under another tenant or owner than the approved one is put back by the helper.",
        "laws 4 and 5, decision 0029",
    ),
    "executor:group": _R(
        "A group that stands or falls together goes to an application as one job, or to none.", "decision 0012"
    ),
    "executor:handler-applies": _R(
        "An application applies what was approved on each engine, and the worker needs no right to.", "decision 0029"
    ),
    "executor:light": _R("The helper for applications imports nothing of the server.", "DESIGN 3"),
    "executor:named": _R(
        "Who carries out a change is part of what is approved, and nobody else does.", "law 5, decision 0029"
    ),
    "executor:no-writer": _R(
        "A source whose changes applications carry out needs no credential that writes, and the worker says that it proves nothing of one.",
        "decision 0035",
    ),
    "executor:once": _R(
        "One key has one effect in an application, whatever is cut, killed or asked at once, and one answer ever after.",
        "R1, R3",
    ),
    "executor:one-address": _R(
        "A job goes to the configured address alone, which proves its name: no redirect and no proxy.", "law 8"
    ),
    "executor:signed": _R(
        "A handler takes what the worker signed now, for it by its name, and nothing else.", "law 5, decision 0037"
    ),
    "executor:unasked": _R(
        "A worker that does not know the executor of a job says of it neither that it failed nor that it was canceled: nobody else knows whether an earlier attempt got through.",
        "law 4, R4",
    ),
    "executor:unknown": _R("Whatever is no whole answer is unknown, and is asked again under the same key.", "R4"),
    "executor:verdict": _R(
        "A handler's conflict or failure is that of the proposal, by a closed list of words.", "law 7"
    ),
    "executor:waits": _R("A handler that wants to be left alone is left alone.", "R9"),
    "executor:words": _R("An application's own words reach the operators' log alone, short and on one line.", "law 7"),
    "explain:no-value": _R("A statement that is shown holds placeholders and no value.", "law 7"),
    "explain:plan": _R(
        "What a source expects of a read is asked through the read credential, and no row is read.", "law 3"
    ),
    "explain:true": _R(
        "What is told of a capability is what it does, and its statements are those that are sent.", "DESIGN 5"
    ),
    "grants:exact": _R(
        "What `synapsor grants` prints is enough for what contracts read and change, on every engine, and without any line or column of it the posture complains.",
        "S3, law 3",
    ),
    "grants:no-database": _R("`synapsor grants` asks no database, and needs and tells no credential.", "law 8"),
    "grants:safe-role": _R(
        "The roles that `synapsor grants` makes have no right of their own, no password, a limit of connections, and TLS from another machine.",
        "S3, law 3",
    ),
    "group:joined": _R(
        "Proposals that stand or fall together are of one run, tenant, principal and contract, one of each capability, and of different rows.",
        "issue 3: a set settles whole or not at all",
    ),
    "group:whole": _R(
        "Proposals that stand or fall together are approved at once and applied in one transaction, or none of them is.",
        "issue 3: a set settles whole or not at all",
    ),
    "handles:own": _R("A handle of somebody else looks exactly like one that does not exist.", "A14, S4"),
    "hidden:guarded": _R(
        "A hidden value that a proposal was made beside is compared as exactly as any other when it is applied.",
        "law 4, R6",
    ),
    "hidden:no-oracle": _R(
        "No filter, order, bound or refusal lets a model try values of a column that it does not see.", "law 7, S5"
    ),
    "hidden:reveal-on-record": _R(
        "Only a person with the role looks behind a token, for a reason, and looks and refusals are on record first.",
        "law 9",
    ),
    "hidden:shown-as-reviewed": _R(
        "A masked, tokenised or aggregate column is shown and kept as its rule says, wherever a model meets it.",
        "law 7, S5",
    ),
    "hidden:token-stable": _R(
        "A token is the same for one tenant, column and value, and another one for any other.", "S4, S5"
    ),
    "http:authenticated": _R("No route but the health check answers without a token.", "G03, S10"),
    "http:bounded": _R("Bodies, headers, streams and times are bounded.", "G07, S10"),
    "http:fair": _R("One token's messages, however many, large or slow, leave room for another's.", "G07, S10"),
    "http:host-and-origin": _R("A foreign Host or Origin is refused on every route.", "G01, S10"),
    "http:loopback-only": _R("Binding anything but loopback is refused.", "G02"),
    "http:session-bound": _R("A session answers only to the token that opened it.", "G03, S10"),
    "http:sessions-bounded": _R(
        "A token has only so many sessions; at the bound its longest unused one ends, and no other token's.", "G07, S10"
    ),
    "http:tenant-per-call": _R("The tenant is read from the token on each call.", "S10"),
    "http:unread-bounded": _R(
        "What a client does not read is bounded, and is let go of after a time with all that waits for it.", "G07, S10"
    ),
    "inbox:first-to-expire": _R(
        "However many proposals wait, those that expire first are listed, and it is said that there are more.", "R9"
    ),
    "inbox:same-told": _R(
        "Lists of proposals tell of edits, more time, questions and one-time codes alike on a terminal and in a browser.",
        "law 5",
    ),
    "insert:once": _R(
        "A row is added under the session's tenant, once, and never beside one with its dedup columns.", "law 4, R1"
    ),
    "intent:after-receipts": _R(
        "Where a source keeps no receipts any more, what an attempt came to while it kept them is left to a person, unless that certainly had no effect.",
        "law 4, R1, R4",
    ),
    "intent:before": _R(
        "Where a source keeps no receipts, the ledger says durably what is about to be applied, under a lease that is held, before anything is begun in the source.",
        "law 4, R3",
    ),
    "intent:cleared": _R(
        "An intent is cleared only with what is said of an attempt that certainly had no effect, in one transaction.",
        "R4",
    ),
    "intent:never-guessed": _R(
        "While an intent stands of which nobody knows what became, nothing is applied again and nothing is said to have failed: it is left to a person, wherever verdicts are kept by then and whoever clears or takes it away.",
        "law 4, R1, R4",
    ),
    "intent:told": _R(
        "That a source keeps no receipts is a warning of `doctor` and at the worker's start, and the configuration says it in a word.",
        "law 10",
    ),
    "intent:undo": _R(
        "Where a source keeps no receipts, an undo takes back what the ledger's own receipt says was applied under that digest, and not what a person said of it.",
        "law 4",
    ),
    "ladder:enforced": _R(
        "Only writeback mode files a job, and only review mode and above take proposals.", "DESIGN 1"
    ),
    "ledger:group": _R(
        "A ledger that a group shares is that group's and nobody else's, with all that is kept beside it, whoever of the group makes or opens it; another directory or file is refused.",
        "I07, S7",
    ),
    "ledger:as-filed": _R(
        "A proposal counts as it was filed: one whose row was altered since is decided, approved by policy and applied by nobody, and no policy is tested on it.",
        "S8, law 9",
    ),
    "ledger:asked-again": _R(
        "A request that was refused for the moment, or whose answer nobody heard, may be made again, also by many at once: one proposal of it"
        " stands. What is said not to be recorded is not.",
        "R2, R8",
    ),
    "ledger:append-only": _R("No statement changes or removes a record of the ledger.", "law 9, I05"),
    "ledger:in-place": _R(
        "Nothing is written into a ledger's file once another one has taken its place, or that of its write-ahead log, so that no process goes on beside the others.",
        "law 9, S9, R2",
    ),
    "ledger:order-verified": _R(
        "`verify` compares the rows by which open jobs wait for others with those of their proposals, and no job waits for one of another source.",
        "law 9, R6",
    ),
    "ledger:own-schema": _R(
        "Nothing is written where a table, trigger, view or index of the ledger is not the program's own: nobody is told that something was recorded which a trigger keeps out.",
        "law 9, S9",
    ),
    "ledger:steps-as-told": _R(
        "Nothing expires, is superseded or is canceled because only its own row says that it should.", "law 9, S9"
    ),
    "ledger:believed": _R(
        "A status, a switch, a decision and what a policy used up count only as the chain tells of them: who takes a row away, or puts an older one in its place, gets nothing decided, approved or applied by it.",
        "law 9, S8, S9",
    ),
    "ledger:every-look": _R(
        "Reading a resource again is audited too, and answers nothing when it cannot be.", "law 2, I16"
    ),
    "ledger:evidence-whole": _R("Audit and evidence of a call are recorded together or not at all.", "law 2, R8"),
    "ledger:followed": _R(
        "Whoever decides, asks, edits, extends, undoes, looks behind hidden values or lets policies go on, at a terminal, on the board, in the console, through a prompt or in a batch, has proven the chain of events first: where something in it was hidden, changed or cut away, that is shown and nothing is signed (`ledger_altered`).",
        "law 5, law 9, S9",
    ),
    "ledger:many-processes": _R("Many processes write to one ledger without losing or refusing a record.", "F10"),
    "ledger:never-recreated": _R(
        "A ledger that is missing, damaged or of another kind stops the program and is never made anew.", "F14"
    ),
    "ledger:no-evidence-no-rows": _R("When evidence cannot be recorded, nothing is returned.", "law 2, R8"),
    "ledger:noted": _R(
        "A process begins at what another one has noted of the chain beside the ledger, and knows what that one knew: what was hidden from before the note is missed all the same. A note that the ledger's key did not write, or that is of another chain, counts for nothing, and the whole chain is proven.",
        "law 9, S9",
    ),
    "ledger:nothing-acknowledged-is-lost": _R("What the ledger has acknowledged survives kill -9.", "R2"),
    "ledger:one-evidence-a-call": _R(
        "Evidence has the handle of its call, so a call has one at most and one index finds both.", "DESIGN 5"
    ),
    "ledger:one-state-machine": _R("The schema allows the same steps of a proposal as the rules.", "DESIGN 4"),
    "ledger:private-files": _R("The ledger's files are its owner's alone, whatever the umask.", "I07"),
    "ledger:repetitions": _R(
        "However often an agent asks for the same, its proposal tells of a bounded number of repetitions, and of how many more; each call is on record with its evidence.",
        "R9, R8",
    ),
    "ledger:sealed": _R(
        "Each event is sealed with the ledger's key as it is written: one that somebody else added is believed by nobody, whoever signs the head after it.",
        "S8, S12, law 9",
    ),
    "ledger:signed-as-written": _R(
        "What a policy used up and what a reviewer edited is signed as it is written, so that it is not cut off unnoticed after a kill.",
        "S9, law 9",
    ),
    "ledger:checkpoints-kept": _R(
        "A checkpoint is kept whole beside the ledger, or it is told that it was not.", "F11, law 9"
    ),
    "ledger:tampering-is-found": _R(
        "`verify` finds an edited, removed, moved, added or cut record and names the first.", "law 9, S9"
    ),
    "ledger:told-words": _R(
        "An agent is told where a proposal stands, and of a question, an answer or a rejection, only as events tell of it; other words are told in nobody's name.",
        "law 9, S8",
    ),
    "ledger:unreadable": _R(
        "A row that is none of the program's counts as nothing and is named as such; it keeps nobody from seeing, deciding and applying the rest.",
        "law 9, S9",
    ),
    "link:aggregate": _R(
        "An aggregate counts each of its own rows once, with what the one related row of this tenant holds, or with nothing.",
        "laws 1 and 2",
    ),
    "link:bounded": _R("A list that comes along keeps to its rows, and a whole answer to its bytes.", "law 2"),
    "link:one-moment": _R(
        "A row and the lists that come with it are of one snapshot, and stand in one evidence bundle.", "law 2"
    ),
    "link:one-row": _R("A link to one row never doubles a row and never chooses one of several.", "law 2"),
    "link:order": _R(
        "A list may be in the order of related rows and is walked in it page by page; who is not there has no value.",
        "laws 1 and 2",
    ),
    "link:person": _R("A related row keeps to its own table's principal and fixed filters.", "law 2"),
    "link:proven": _R(
        "A link is followed only where the live catalogue proves it or a reviewer says why; the others refuse.",
        "law 10",
    ),
    "link:shape": _R(
        "What links lead to is answered as declared: nested, closed, and null where there is none.", "DESIGN 6"
    ),
    "link:tenant": _R(
        "A related row of another tenant is as if it were not there, on every step of a path and in every list.",
        "law 2, S4",
    ),
    "lint:exit": _R("A finding ends `lint` by its severity, and what a comment lets pass ends nothing.", "DESIGN 6"),
    "lint:finds": _R("Every lint finds what it is about, at its line.", "DESIGN 5"),
    "lint:passes-with-a-reason": _R(
        "A comment lets one finding pass at one place, with a reason or not at all.", "DESIGN 5, law 10"
    ),
    "lint:sarif": _R("Findings are given in the form that code hosts take, SARIF 2.1.0.", "DESIGN 6"),
    "live:as-the-worker": _R(
        "A reviewer is told of each row what the worker would find now, and how it would end.", "E14"
    ),
    "live:fresh": _R(
        "With `fresh`, nobody's approval is recorded without a look within the last minute that found every row as it was.",
        "E14",
    ),
    "live:hidden-stays": _R("Of a hidden column a look tells that it changed, and neither value.", "law 7, S5"),
    "live:read-credential": _R("A look takes the read credential, proven to be safe, and never the worker's.", "law 3"),
    "live:recorded": _R("What a look saw is recorded as evidence and in the query audit before it is told.", "law 2"),
    "live:scope": _R("A look sees the rows of the proposal's own tenant and owner, and no other.", "law 2, S4"),
    "live:stale-said-aloud": _R(
        "An approval of rows that are not as they were is refused unless the person says that they want it all the same.",
        "E14",
    ),
    "live:untold": _R(
        "What keeps a look from telling is one word of a closed list, and keeps nobody from reading a proposal.",
        "law 7",
    ),
    "login:clocks-apart": _R(
        "A login from a machine whose clock is as far ahead as clocks may be apart counts, and for no longer; what a console refuses is told by its rule, in our words.",
        "law 5, E05",
    ),
    "login:own-ledger": _R(
        "`synapsor login` names the address that was typed and the ledger, and signs for no other ledger than the project's own.",
        "law 5",
    ),
    "notify:addresses": _R(
        "A message goes only to an address that was judged: public, or of a network that is allowed; a name is resolved once and pinned, and nothing is followed.",
        "S10, G09",
    ),
    "notify:at-least-once": _R(
        "What is to be told arrives at least once under one id, whatever is killed, full or down in between.", "R2, R10"
    ),
    "notify:bounded": _R("An answer to a message costs neither time nor memory without end.", "R9"),
    "notify:dead-letter": _R(
        "A message that cannot be delivered ends in a list, from which it can be tried again, and is never dropped.",
        "R2",
    ),
    "notify:each-receiver": _R(
        "Of several receivers of a message only those whom it has not reached get it again.", "R2"
    ),
    "notify:flood": _R(
        "However much happens, people get a bounded number of messages in a stretch of time, and all of it is told.",
        "S11",
    ),
    "notify:hostile-words": _R(
        "Words of rows, models and clients are no markup, mention, link, header or line of their own in any message.",
        "S11",
    ),
    "notify:no-secret-told": _R(
        "No secret and no address of a channel is in a log, an error or the notifier's file.", "S7"
    ),
    "notify:no-values": _R("A message holds no value of a row, an argument or a reason.", "law 7, S5"),
    "notify:odd-events": _R(
        "Of an event, a proposal or a contract that cannot be read nothing is told, it is logged, and all others are told.",
        "R2",
    ),
    "notify:private": _R(
        "The notifier reads the ledger without its key and cannot write it; its own file is for its owner alone.",
        "law 8, law 9",
    ),
    "notify:quiet-hours": _R(
        "In quiet hours, by the clock of their zone, only what is urgent goes out, and nothing is lost.", "issue 4"
    ),
    "notify:quorum": _R("Who may decide hears that others have approved and that it takes more.", "issue 4"),
    "notify:refused-attempts": _R(
        "Refused logins and decisions are told when they are many, as numbers, and so seldom that nobody floods others by them.",
        "S11, issue 4",
    ),
    "notify:same-chain": _R(
        "The notifier follows one chain: an edited, cut or other ledger stops it, and nothing of that is told.", "S9"
    ),
    "notify:signed": _R("A webhook is signed over its id, the time of the attempt and its body.", "issue 4"),
    "notify:silence-told": _R(
        "That no notifier has looked at the ledger lately is told where people look for what waits.", "issue 4"
    ),
    "notify:tls": _R(
        "A message leaves the machine only through TLS to a server with a certificate of the configured name.", "S7"
    ),
    "notify:values-reviewed": _R(
        "A value is told only of a column that the proposal's reviewed contract names for it and does not hide or deny.",
        "S5, S12",
    ),
    "oidc:bearer-audience": _R(
        "A bearer token of the approval server is for that server alone: one for the model's server, or for both, is refused.",
        "issue: identity, law 1",
    ),
    "oidc:client-secret": _R(
        "The client's secret is given to the provider the way it takes it, and is nowhere else.", "law 8"
    ),
    "oidc:never-more": _R(
        "A login speaks for the one operator whose entry names its issuer and subject, with roles of that entry and never more.",
        "issue: identity",
    ),
    "oidc:new-proof": _R(
        "Where a login asks for a new proof of who somebody is, an old one, or none that says when, lets nobody in.",
        "issue: identity",
    ),
    "oidc:one-answer": _R(
        "A provider's answer counts once, for the login and the session that asked for it, and only as that provider's.",
        "issue: identity",
    ),
    "oidc:private-address": _R(
        "A provider at a private address is asked for nothing unless the project allows it.", "issue: identity"
    ),
    "oidc:provider": _R(
        "A provider that is somebody else, slow, huge, elsewhere or broken lets nobody in.", "issue: identity, law 10"
    ),
    "oidc:recorded": _R(
        "A refused login is on record by its rule, without a word of a token, and a flood of them is counted.",
        "issue: identity",
    ),
    "oidc:rotation": _R(
        "A provider's new key counts at once, one that it takes away stops counting within ten minutes, and asking is bounded.",
        "issue: identity",
    ),
    "oidc:token": _R(
        "A token that is not signed by the provider's own key for this purpose, or does not say all that it must, is refused by its own rule.",
        "issue: identity",
    ),
    "operator-key:private": _R(
        "A private key is 0600 in a directory 0700, and its passphrase comes from a terminal only.", "law 8"
    ),
    "outbox:abandoned": _R(
        "What a person says was not applied is ended in an outbox where nobody has a running claim to it, and done no more from then on; what is in hand or done is told as that.",
        "R4, decision 0037",
    ),
    "outbox:claim": _R(
        "An entry of an outbox is claimed by one worker at a time, for a while by the database's clock, in the order of its row; whose claim is over confirms nothing.",
        "concepts 44",
    ),
    "outbox:confirm": _R(
        "An equal confirmation again is accepted and changes nothing; another one is refused by a code, and what is no outcome of an effect confirms nothing.",
        "concepts 44",
    ),
    "outbox:dead": _R(
        "An entry that was claimed too often is claimed no more and told, and never counts as one that nobody began.",
        "R2",
    ),
    "outbox:exact": _R(
        "Rows are changed with the confirmation and are exactly those that were approved; an effect whose rows cannot be is for a person.",
        "R5",
    ),
    "outbox:once": _R(
        "One key is accepted once and has one effect under one key of the outside system, whoever is killed between claim, effect and confirmation.",
        "R1, R3",
    ),
    "outbox:withdrawn": _R(
        "What nobody has claimed can be taken back and lapses with its approval; what somebody has claimed never counts as not begun.",
        "law 5, R1",
    ),
    "policy:backtest-bounded": _R(
        "Deciding many past proposals again holds a page of them, and what is named of them is a few.", "R9"
    ),
    "policy:backtest-hidden": _R(
        "A candidate policy learns nothing of a value that is hidden in the record of a proposal.", "law 7, S5"
    ),
    "policy:backtest-reads": _R("Deciding past proposals again records nothing and asks no source.", "law 3, law 9"),
    "policy:backtest-red": _R(
        "What a person had rejected and a candidate would pass is named, and ends the command with 1.", "law 5"
    ),
    "policy:backtest-true": _R(
        "Decided again, the same policy decides of past proposals as the worker did, limits of the day included.",
        "law 5",
    ),
    "policy:backtest-whole": _R(
        "Every past proposal of what a candidate is about is counted once; what cannot be decided again is named by a rule.",
        "law 10",
    ),
    "policy:bound": _R(
        "A policy's approval counts only for the exact contract and policy, by its own key, and while the proposal is inside of it.",
        "law 5",
    ),
    "policy:draft": _R(
        "A drafted policy passes what it was made of and nothing beyond its hull, and changes no file; what no policy should repeat becomes none.",
        "law 5, law 10",
    ),
    "policy:inside": _R(
        "A policy approves only what its conditions hold for; high risk and more than one person are for people.",
        "law 5",
    ),
    "policy:key-told": _R(
        "A policy key that is not trusted any more is told by the worker that holds it, once, by the status and by `doctor`.",
        "law 10",
    ),
    "policy:limits": _R("A policy approves no more in a day than its limits, whoever works at once.", "law 5"),
    "policy:near": _R(
        "A limit that is nearly used up, or is, is told in the status, the record and the worker's log, there without a value of a row.",
        "law 8",
    ),
    "policy:never-in-serve": _R("Nothing that a model reaches can decide by policy.", "law 1"),
    "policy:off-by-default": _R("Nothing is approved by policy unless the project allows it.", "law 10"),
    "policy:set-aside": _R(
        "A record that no policy can decide on, forged or broken, is left to people once and keeps no other from its turn.",
        "law 9, law 10",
    ),
    "policy:status-active": _R(
        "The policies and limits that are told to be in force are those that were activated, and not those of the files.",
        "law 10",
    ),
    "policy:stop": _R(
        "A stop counts from the moment at which it is recorded, for what is not applied yet too.", "law 5"
    ),
    "posture:again": _R(
        "A worker that runs proves its sources again every few minutes and after each outcome that makes one doubtful, by the contracts that are active then.",
        "S3, D07",
    ),
    "posture:durable": _R(
        "Settings of the server under which a crash may lose what it acknowledged are told whenever a worker starts.",
        "R2",
    ),
    "posture:fooled": _R(
        "A writer that owns a schema, a database or a function, may make databases, give its rights away, switch off triggers, reach into the server, use a role that nobody sees into, or change receipts through a view or a rule, is told as what it is.",
        "law 10, R8",
    ),
    "posture:held": _R(
        "While a source has a finding with which no worker would start, no job of it is taken and no attempt counted; it is told once with its fix, other sources go on, and it goes on by itself when it is mended.",
        "law 10, R10",
    ),
    "posture:production": _R(
        "In production no worker starts where its credential owns something, may alter or create, may change another table or a receipt; what the project allows by name is told at every start, and of receipts nothing can be allowed.",
        "S3, law 10",
    ),
    "posture:safe-credential": _R(
        "A credential that can do more than was reviewed is found, and an unsafe one is refused.", "law 10, S3"
    ),
    "posture:safe-view": _R(
        "A view that runs filters too early, reads past policies or runs code with other rights is named and not served.",
        "S3, B05, B08",
    ),
    "posture:version-moves": _R(
        "The worker does not start where an update can change a row and leave its version as it is, as far as the catalogue shows.",
        "law 10, D07",
    ),
    "posture:worker-sufficient": _R(
        "The worker does not start on a source where it could not keep its promises.", "D07"
    ),
    "prompts:bounded": _R("A prompt is of bounded size, whatever there is to tell.", "R9"),
    "prompts:lead-to-a-person": _R("A prompt tells, and leads to where a person decides; it decides nothing.", "law 6"),
    "prompts:own-records": _R("Prompts and completions tell of the session's own records only.", "law 1, S4"),
    "prompts:untrusted-text": _R(
        "Texts of rows, requests and people stand in a prompt as quoted data, with nothing hidden in them.", "S11"
    ),
    "propose:any-contract": _R(
        "Whatever proposal is accepted and whatever is called, it is about the session's own rows, and what is applied is exactly what was approved.",
        "law 1, law 4, law 5",
    ),
    "propose:bounded": _R("A proposal is inside the reviewed bounds and changes something.", "DESIGN 5"),
    "propose:computed": _R(
        "A value is counted exactly from the one before, inside every bound, or made of who asks and when.", "DESIGN 5"
    ),
    "propose:required": _R(
        "A change is proposed and made only while the row and its related rows are as the reviewer requires.",
        "law 4, issue 3",
    ),
    "propose:steps": _R("A column goes only the steps that were reviewed.", "DESIGN 5"),
    "public-contract:codes": _R(
        "A public contract is judged whole: every error at once, each at the format's own path and under its own code.",
        "DESIGN 5",
    ),
    "public-contract:one-reading": _R(
        "A public contract has one reading: duplicate keys, lost digits and unseen characters are refused, and no JSON breaks the judge.",
        "law 10",
    ),
    "public-contract:refused-by-name": _R(
        "What of a public contract cannot be honoured is refused by a stable word at its place; nothing is left out in silence.",
        "DESIGN 5",
    ),
    "public-contract:served": _R(
        "A public contract that can be honoured is imported, activated, asked, decided on and applied on real servers.",
        "DESIGN 5",
    ),
    "question:answered-once": _R(
        "An agent answers a question about its own proposal once, in a bounded text that decides nothing.",
        "laws 1 and 6",
    ),
    "question:asked": _R(
        "A question is signed by who may decide, is one of a few, and leaves the proposal in review.", "law 5"
    ),
    "read:any-contract": _R(
        "Whatever contract is accepted and whatever is called, a read answers what the reviewed filters say of the session's own rows.",
        "law 1, law 2",
    ),
    "read:bounded": _R("A read ends at its limits, whatever the database does.", "R9"),
    "read:bounded-bytes": _R("No more bytes than the limit leave the server, whatever a cell holds.", "law 2, R9"),
    "read:bounded-pool": _R("A call that finds no connection in time is refused as busy.", "R9"),
    "read:bounded-rows": _R("No more rows than the limit are returned, and a cut is told.", "law 2, R9"),
    "read:bounded-time": _R("A read that takes too long is stopped on the server.", "law 2, R9"),
    "read:cancel-stops": _R("A cancelled read stops on the server.", "R9, A19"),
    "read:cannot-write": _R("A read cannot write, on three layers that hold without each other.", "law 3, S2"),
    "read:cursor": _R(
        "A cursor goes on with its own question, asked again by the same person under the same contract, and shows nothing of what is in it.",
        "law 1, law 7",
    ),
    "read:drift": _R("A mapping that no longer fits the database refuses its calls while the others serve.", "B15"),
    "read:filters": _R(
        "A filter lets the same rows through on every engine: by value, and text byte by byte.", "DESIGN 3, D02"
    ),
    "read:fresh": _R("A read sees what was committed before it began, and nothing of the call before it.", "B23, B24"),
    "read:pages": _R("Page by page, a list gives every row once and in one order, on every engine.", "issue 3"),
    "read:principal": _R(
        "Where rows are assigned to people, another person's row looks exactly like a row that does not exist.",
        "law 2, S4",
    ),
    "read:rate": _R("A person who calls too often is refused until the minute is over, and nobody else is.", "R9"),
    "read:tenant": _R("Another tenant's row looks exactly like a row that does not exist.", "law 2, S4"),
    "read:uuids": _R(
        "A UUID that is shown is found by its value, however the engine spells it, by reads, proposals and the worker alike.",
        "R5, R7",
    ),
    "receipt:every-member": _R(
        "A receipt lists every row that was inserted, updated or deleted, by its key, with its version before and after and as it was left; what is hidden stays out, and no agent is told.",
        "law 4, law 7",
    ),
    "refused:acts": _R(
        "A refused activation, rollback or switch of automatic approval is on record, and told by `history` and `policy status`.",
        "law 9",
    ),
    "reject:told": _R(
        "A rejection is told with a word of the closed list where it has one, what that means and what may follow.",
        "issue 4",
    ),
    "reconcile:advised": _R(
        "What to do about a proposal whose end nobody knows goes by why nobody knows it as well as by its rows, which tell nothing of an effect outside.",
        "R4, decision 0037",
    ),
    "reconcile:asked": _R(
        "Of what waits for an application the one that breaks is asked about ever less often and keeps no other waiting; nothing more is asked once a worker is told to stop, or its source is paused.",
        "R4, R12, decision 0037",
    ),
    "reconcile:classified": _R(
        "Each row of a proposal whose end nobody knows is found as proposed, as before, gone or drifted, by the worker's own comparison over the read credential; of a hidden column no value is told.",
        "R4, S5",
    ),
    "reconcile:contrary": _R(
        "What the rows speak against, or nobody could look at, is said only by who says so aloud, and that stays on record.",
        "R4",
    ),
    "reconcile:given-up": _R(
        "What a person says became of a change that an application carries out counts when the application has given that up or ended it, and waits until it is answered, unless a person signs that it counts unasked; what it has done is never said to be not applied.",
        "R4, decision 0037",
    ),
    "reconcile:forged": _R(
        "A resolution that no trusted person signed is found, moves nothing and is told to nobody as a person's.",
        "law 9, S9",
    ),
    "reconcile:once": _R(
        "Of two resolutions of one proposal the ledger takes the first, whatever their programs asked before, and none of another moment.",
        "law 4, R4",
    ),
    "reconcile:signed": _R(
        "What nobody knows the end of leaves its doubt only by the signed word of a person, over its digest, the verdict, what was found and seen just then and why; and nothing is undone by that word.",
        "law 5, R4",
    ),
    "reconcile:who": _R(
        "A trusted person with the proposal's role who did not ask for it says what became of it, and nobody else.",
        "S8",
    ),
    "reconcile:whole": _R("A group is resolved whole, in one way and one transaction.", "law 4"),
    "replay:recomputed": _R("Replay computes every digest and signature again and names each difference.", "R7, I10"),
    "row-security:no-bleed": _R(
        "What a policy was told of one call is gone for the next borrower of its connection.", "law 3, B24"
    ),
    "row-security:proven": _R(
        "Nothing is served or applied on row security that does not bind this credential and read both settings.",
        "law 10, S3",
    ),
    "row-security:told": _R(
        "A read and an apply tell the policies who asks, bound and for one transaction, and filter the tenant all the same.",
        "law 2, S4",
    ),
    "secrets:credential": _R(
        "`${credential:NAME}` is a file that a service manager gave to this process, closed to all others, and nothing else.",
        "law 8, S7",
    ),
    "secrets:never-shown": _R("No secret stands in any error, log, representation or traceback.", "law 8, S7"),
    "secrets:only-where-needed": _R("Only the worker ever looks at a write credential.", "law 8"),
    "serve:cancelable": _R("A cancelled call, or one whose client left, is cancelled inside.", "A19, F23"),
    "serve:every-transport": _R(
        "Every transport answers alike in both eras, as data and as the same text.", "DESIGN 6"
    ),
    "serve:learns-from-its-own-answer": _R("A call teaches the short way only by its own answer.", "A18"),
    "serve:no-leak": _R("No exception text reaches any client, on any transport, in any era.", "law 7, S6"),
    "serve:one-answer": _R("A call gets the same answer by whichever way through the server it goes.", "law 7"),
    "serve:one-not-found": _R("Whatever is not the session's own gets one and the same answer.", "A14, S4"),
    "serve:orderly-end": _R("A signal ends the server after the calls in flight.", "F18, R12"),
    "shadow:approved": _R(
        "Where a contract asks for a shadow apply, nobody approves before it, and what is approved is the proposal with its measured effect.",
        "law 5",
    ),
    "shadow:asked": _R(
        "A reviewer may want a change measured, or measured anew, before anybody has approved it; it is approved with what was measured last.",
        "law 5",
    ),
    "shadow:believed": _R(
        "A measurement, and that somebody wants one, count only as a sealed event of the ledger tells of them; what is measured in vain is measured ever less often.",
        "law 9",
    ),
    "shadow:beside": _R(
        "No job waits for a measurement, whatever that waits for; a worker that is told to stop, or whose source is paused meanwhile, begins no other one, and a drain goes on with what a measurement lets be due.",
        "R2, R12",
    ),
    "shadow:counted": _R(
        "What a change touches beside is counted, triggers included, by table where the engine tells.", "R5"
    ),
    "shadow:elsewhere": _R(
        "What an application carries out is measured by nobody, and that is refused in the contract and before anybody asks.",
        "decision 0031",
    ),
    "shadow:group": _R(
        "What stands or falls together is measured whole and at once, each proposal has its own effect, and the apply reproduces all of it or stops as a whole.",
        "decision 0033",
    ),
    "shadow:held-to": _R("An apply that does anything else than was measured and approved is rolled back.", "R5"),
    "shadow:lasting": _R(
        "What does not roll back is not carried out to be measured, as far as it is seen; what stays of it all the same is told.",
        "law 3",
    ),
    "shadow:latest": _R(
        "`synapsor shadow latest` is about the newest proposal that can be measured, and where there is none that is said.",
        "decision 0031",
    ),
    "shadow:nothing-stays": _R("A shadow apply changes nothing in the source.", "law 4"),
    "shadow:once": _R(
        "Whatever happens to a worker at any point of a shadow apply, the source keeps nothing of it, the next worker measures, and one measurement is recorded, whole, or none.",
        "decision 0033",
    ),
    "shadow:would-fail": _R("That an apply would fail is told before anybody approves it.", "law 5"),
    "set:all-or-nothing": _R("All members of a set are changed, or none.", "law 4, R5"),
    "set:frozen": _R(
        "A set is frozen when it is proposed, no larger than was reviewed in rows and totals, and shown member by member.",
        "law 5",
    ),
    "set:in-order": _R("The rows of a set stand in the order of their keys, numbers by their value.", "law 5"),
    "source:cancel-stops": _R("A cancelled call stops its statement on this engine.", "R9"),
    "source:commit-outcome": _R("What came of a COMMIT is told truly, or as unknown.", "R4"),
    "source:deferred-constraint": _R("A deferred constraint is checked before the commit.", "C24"),
    "source:error-undoes-all": _R("Any error undoes the whole transaction.", "law 4, D12"),
    "source:fresh-snapshot": _R("Each read sees what was committed before it began.", "B23"),
    "source:no-bleed": _R("Nothing of one call is seen by the next on the same connection.", "B24"),
    "source:no-session-bleed": _R("No session setting of one call is seen by the next.", "B24"),
    "source:one-statement": _R("A channel takes one statement at a time.", "law 3, S2"),
    "source:pool-clean": _R(
        "A session goes to the next borrower only when it is certainly clean, and its place is never lost.", "B25"
    ),
    "source:reader-cannot-write": _R("The reader's own connection refuses to write.", "law 3, S2"),
    "source:sqlite-writer-died": _R(
        "A SQLite reader that meets what a killed writer left is told to wait, not that the database has changed.",
        "F11",
    ),
    "source:mysql": _R(
        "Where MySQL proper tells less than MariaDB, what is not told is not taken for something.", "decision 0035"
    ),
    "source:time-limit": _R("The time limit is the server's own.", "R9"),
    "source:tls-not-stripped": _R(
        "A connection that must be encrypted is refused when the server does not offer it.", "G5"
    ),
    "source:tls-verified": _R(
        "A server is believed only with a certificate of the given authority for its name.", "G5"
    ),
    "source:unsafe-reader-refused": _R("A reader that can write, own or see denied columns is refused.", "law 10, S3"),
    "sql:plain-identifiers": _R("A name that is not plain never reaches a statement.", "S2"),
    "sql:reviewed-text": _R("Each kind of statement has one reviewed text per engine.", "law 3"),
    "sql:values-bound": _R("No value of a call is ever part of a statement's text.", "law 3, S2"),
    "stdio:clean-wire": _R("Nothing but protocol messages reaches the wire.", "A22"),
    "stdio:ends": _R(
        "A signal ends the server, and so does a client that has left, whatever the client does not read.", "A18"
    ),
    "stdio:lines": _R("Each line comes once, in order and within the limit, however its bytes come.", "A18"),
    "stdio:survives": _R("No line that a client can send stops the server.", "A18"),
    "steer:cancel": _R(
        "From the moment at which a person's cancel of an approved change is on record no worker begins to apply it, nor its group; it is canceled once its source holds a receipt that says so, and where an earlier receipt tells that it was applied, it was. Of a cancel that nobody who is trusted now has signed, it is neither.",
        "law 4, law 5",
    ),
    "steer:discard": _R(
        "A job that was given up is discarded by a person's signature, and its proposal is canceled in its source as any other.",
        "law 4, law 5",
    ),
    "steer:forged": _R(
        "Whoever writes the ledger's file without an operator's key ends no pause, undoes no cancel and has no job tried again that was given up.",
        "law 9, S9",
    ),
    "steer:given-up": _R(
        "A job that was tried too often, of which nothing is known to have had an effect, is given up: its source is asked once more and nothing is written there, its proposal stays approved, and no worker takes it until a person says so.",
        "R2",
    ),
    "steer:login": _R(
        "What a session signs to steer the worker counts as its person's own signature does, in a role that its login carries, while the person and who vouched for the login are trusted.",
        "law 5",
    ),
    "steer:pause": _R(
        "Once a pause of a source, or of all, is on record no job of it is leased, and what a worker has in hand it finishes; a pause that cannot be read, and an end of one that nobody who is trusted now has signed, hold too.",
        "law 9, law 10",
    ),
    "steer:requeue": _R(
        "A job that was given up is tried again only when a trusted operator of writeback has signed that since, and its attempts begin anew.",
        "law 5, law 9",
    ),
    "steer:rest-told": _R(
        "A job that a pause keeps is not called due: its page, `jobs`, `worker --drain` and the companion say that it rests, by whom and why it was paused, and what lets it go on.",
        "law 10",
    ),
    "steer:told": _R(
        "What waits, what was given up and why, what rests, and what people said of it is told: to operators, on the card, in the inbox and in a replay, to the agent without a name or a reason, and to who is notified.",
        "law 7",
    ),
    "steer:who": _R(
        "Only a writeback_operator pauses, resumes, requeues and discards; a cancel may also be by whoever may decide on the proposal, and never by who asked for it in that role.",
        "law 5",
    ),
    "straight-line:whole": _R(
        "An agent reads and proposes, a person decides, a worker applies, and all of it is on record.", "DESIGN 4"
    ),
    "surface:capabilities": _R(
        "A server offers tools, resources, prompts that only tell and completion of own handles, and nothing else.",
        "law 1, S1",
    ),
    "surface:forged-accept": _R("An answer that a client makes up decides nothing.", "law 6, A16"),
    "surface:imports": _R("The serving process cannot import what decides or applies.", "law 1"),
    "surface:methods": _R("No method of any surface approves, applies, takes SQL or chooses a tenant.", "law 1, S1"),
    "surface:one-reading": _R("A message has one meaning: duplicate keys and other ambiguous JSON are refused.", "A05"),
    "surface:schemas": _R("What is advertised is what is enforced, on every transport and in both eras.", "law 7"),
    "surface:session": _R(
        "Tenant and principal come from the configuration or from the token of this very call.", "law 1, S10"
    ),
    "surface:short-ids": _R("An id or method too long to repeat is refused and not repeated.", "A18"),
    "surface:small-messages": _R("A message of very many parts is refused before it is read.", "A18, G07"),
    "tools:as-sent": _R("What `tools` shows is what the server lists, with what it costs.", "law 7"),
    "tools:budget": _R("Tools that cost more than their budget fail the command.", "DESIGN 6"),
    "trial:as-production": _R(
        "What keeps production from starting a worker keeps a trial of the contract from applying.", "law 10"
    ),
    "undo:any-contract": _R(
        "Whatever change is applied and says that it can be undone, its undo leaves the rows as they were, but for the version and what others have set.",
        "law 4, law 5",
    ),
    "undo:exact": _R(
        "An undo sets back exactly the columns that were changed and still are, or removes exactly the rows that were added, all or none.",
        "law 4",
    ),
    "undo:keeps-others": _R(
        "An undo keeps what others have set since: each column goes back, is back or stays, and one that holds anything else refuses it all.",
        "law 4, R6",
    ),
    "undo:once": _R("A change is undone once, whatever is killed in between and whoever asks again.", "law 4, R1"),
    "undo:people-decide": _R(
        "An undo is asked for by a trusted operator, who signs that, and approved by other people, never by a policy.",
        "law 5",
    ),
    "undo:proven": _R(
        "The worker applies an undo only if it is exactly what takes back, from the rows that it names, a change that the source's own receipt says was applied.",
        "law 5, law 9",
    ),
    "undo:refusals-recorded": _R("Whoever is refused an undo is recorded, as of any decision.", "law 9"),
    "undo:refused": _R(
        "What was not applied, was removed for good, cannot be told, or is not said to be reversible is refused by name.",
        "law 10",
    ),
    "undo:shown": _R(
        "Before a change is approved it is said whether it can be undone, and of an undo what it takes back; an agent is told nothing of it.",
        "law 1, law 5",
    ),
    "undo:stale": _R(
        "A row that moves on after its undo was asked for, or was worked with since it was added, is not undone.",
        "law 4, R6",
    ),
    "values:canonical": _R("A value has one canonical text, and what could be read in two ways has none.", "law 8"),
    "values:exact": _R("Every type comes back as it is stored, in its documented form.", "R7"),
    "values:guarded": _R("Every type survives the way into a guard and back.", "R6"),
    "values:host-independent": _R("The same rows have the same digest on every host, zone and locale.", "R7, B32"),
    "values:levels": _R("How deep JSON may be nested is said here, and not by the Python that runs it.", "R9, A05"),
    "wait:bounded": _R("Calls that wait are bounded in number and time, and share one look at the ledger.", "R9"),
    "wait:cancelable": _R("A client ends its waiting on every transport, and holds nobody else up by it.", "A19"),
    "wait:decision": _R("Whoever waits hears of a decision within a second, whichever process recorded it.", "issue 4"),
    "wait:holds-nothing": _R(
        "A call that waits takes no turn and no time of a message from its own client or from others.", "R9, S10"
    ),
    "wait:progress": _R(
        "A client that asks for progress is told how long its call has waited, on every transport and in both eras.",
        "issue 4",
    ),
    "worker:clock-jumps": _R(
        "A clock that jumps by a day while jobs are in hand lets nothing be applied twice, lost, or stuck for longer than a lease.",
        "R10",
    ),
    "worker:fenced": _R(
        "A lane that is not certain to hold its lease commits nothing, and gives nothing back that may be another's.",
        "R1, R10",
    ),
    "worker:at-once": _R(
        "What is approved while a worker waits is taken at once, whatever process approved it.", "R12"
    ),
    "worker:lanes": _R(
        "A worker applies as many changes of a source at once as it has lanes; what breaks in one stops no other, and whoever stops it, each is finished or rolled back.",
        "R10, R12",
    ),
    "worker:held-no-longer": _R(
        "Whatever is written into the ledger's file, a job that its row puts off is taken again by the end of its proposal's time, and `verify` names the row.",
        "law 9",
    ),
    "worker:line-harmless": _R(
        "What somebody writes into the ledger's file stays one harmless word of a line that the worker prints or logs.",
        "laws 7 and 9",
    ),
    "worker:one-line": _R(
        "The worker tells of each job in one line with all that is known of it, and of many rows every hundred.",
        "law 7",
    ),
    "worker:one-name": _R(
        "What a worker holds is by its lease and not by its name: two of one name keep out of each other's way as any two do, and those that nobody named are called differently.",
        "R2",
    ),
    "worker:row-order": _R(
        "A job waits for the older open ones about its rows, whoever has them, and that is found by indexes alone.",
        "R6",
    ),
    "worker:supervised": _R(
        "A supervised worker applies only what both the reviewed contract and the deployment allow for it.", "law 5"
    ),
    "worker:time-taken": _R(
        "The worker reports no negative time since an approval.",
        "law 7",
    ),
    "worker:trust-first": _R(
        "While nobody can tell whom to trust, no job is taken and no attempt of one counted; it is said once, and goes on when it is mended.",
        "law 10",
    ),
    "workflow:evidence": _R(
        "A proposal of a workflow rests on the reads that it asks for, of the same run, tenant, principal and row.",
        "law 2",
    ),
}
