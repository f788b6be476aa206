"""The rules that a contract is checked against: stable ids, one sentence each.

`docs/reference/rules.md` is rendered from here, and a test sees to it that every rule can be broken.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

RULES: Final[dict[str, str]] = {
    # The file
    "SYN001": "A contract is a regular file of at most 1 MiB that can be read.",
    "SYN002": "A contract is UTF-8 text.",
    "SYN003": "A contract holds no control, invisible or direction-changing characters, written out or escaped.",
    "SYN004": "A contract is valid YAML.",
    "SYN005": "A contract is one YAML document without directives.",
    "SYN006": "Anchors, aliases and merge keys are not allowed: what is reviewed is written where it holds.",
    "SYN007": "YAML tags are not allowed.",
    "SYN008": "A key is given once.",
    "SYN009": "A key is plain text.",
    "SYN010": "A value that YAML versions read differently (yes, no, on, off, ~, 010, 0x10, 1_000, 12:30) is written in quotes; only the key `on` of a link stands plain.",
    "SYN011": "A number with a decimal point or an exponent is written in quotes, so that no digit of it is lost.",
    "SYN012": "A whole number is at most 2^53-1, so that every reader keeps it exact.",
    "SYN013": "A contract is nested at most 12 levels deep.",
    "SYN014": "A key has a value; nothing is written as null.",
    # The shape
    "SYN101": "Keys are those of the reference; an unknown key is refused and not ignored.",
    "SYN102": "The contract uses only what this version supports.",
    "SYN103": "Required keys are present.",
    "SYN104": "A value is of the kind that its key asks for.",
    "SYN105": "A name is of the form that its place asks for.",
    "SYN106": "A word of a closed list is one of that list.",
    "SYN107": "A text or number is within the limits of its key, and a text is not blank.",
    "SYN108": "A capability has one verb: it reads, aggregates or proposes.",
    # Tables
    "SYN201": "The key, tenant, principal, version and moving columns of a table are among its columns.",
    "SYN202": "The key, tenant, principal, version and moving columns of a table are not denied.",
    "SYN203": "The key column's type is one that can be compared exactly: text, integer, numeric, boolean, date, timestamp, timestamptz, uuid.",
    "SYN204": "The tenant column is text, uuid or integer, and the principal column text or uuid.",
    "SYN205": "The version column is integer, timestamp or timestamptz.",
    "SYN206": "The key, tenant, principal and version are different columns, and none but the version is listed as moving.",
    "SYN207": "What is said of a column fits its type: max_length and one_of belong to text, scale to numeric, minimum and maximum to integer, unit to numbers.",
    "SYN208": "Two columns of a table differ in more than upper and lower case.",
    "SYN209": "A system catalogue and Synapsor's own receipts cannot be mapped.",
    "SYN210": "Two tables over one relation agree on its tenant and on its denied columns.",
    "SYN211": "What a table holds only is fixed: no argument stands in it, and no column that the session decides.",
    # Capabilities
    "SYN301": "A capability names a table of its contract.",
    "SYN302": "A capability names a context of its contract.",
    "SYN303": "With more than one context, every capability names its own.",
    "SYN304": "A capability names columns of its table.",
    "SYN305": "A capability does not use a denied column.",
    "SYN306": "A capability does not use the tenant or principal column: the session decides them, and no result shows them.",
    "SYN307": "A capability returns at least one column.",
    "SYN308": "A list names each column or value once.",
    "SYN309": "A text that the model sees does not name a relation or a denied column.",
    "SYN312": "A column in where or set is of a type whose stored text is known beforehand: text, integer, numeric, boolean, date, timestamp, timestamptz, uuid.",
    "SYN313": "A read by key returns one row and has no order, pages or total.",
    "SYN314": "A list is ordered by columns that have an order.",
    "SYN315": "The key is compared with a value and not with null.",
    "SYN316": "A comparison says something, says it once, and does not contradict itself.",
    "SYN317": "A range is over integers, decimals, dates and timestamps, and starts_with over text: what every engine compares alike.",
    "SYN318": "An argument stands for a whole one_of, and not for one value among others.",
    "SYN319": "A list with pages is ordered by columns whose values are compared exactly, so that no row is left out or told twice.",
    "SYN321": "The where of a proposal names exactly the key.",
    "SYN322": "A table that is proposed on has a version.",
    "SYN323": "A proposal does not set the key, the version or a moving column.",
    "SYN324": "A bound is on an integer or numeric column.",
    "SYN325": "A bound on the value afterwards or on the change is on a column that is set.",
    "SYN326": "A bound says something, and at_least is not above at_most.",
    "SYN327": "A fixed value is within its bound.",
    "SYN331": "A fixed value fits its column.",
    "SYN361": "A reason code is an argument that is a string with a one_of.",
    "SYN362": "A condition fits its column: a range is over integer and numeric columns, and one_of over text; a change is a range.",
    "SYN363": "A condition says something and does not contradict itself.",
    "SYN364": "A condition on the value afterwards or on the change is on a column that is set.",
    "SYN365": "A reason code that is listed is one of those that the capability's argument allows.",
    "SYN366": "What an approval says of a risk is other than without it, and the capability has that risk.",
    "SYN367": "A higher risk asks for no fewer people.",
    "SYN368": "The roles `policy_signer` and `policy_steward` decide on no proposal.",
    "SYN371": "An approval names a policy of its contract, and a policy is named by an approval.",
    "SYN372": "A policy has a condition on every number that it may approve.",
    "SYN373": "A limit per day says something, and a limit is given once.",
    "SYN374": "A total is of an integer or numeric column that is set.",
    "SYN381": "A workflow names capabilities of its contract, and a proposing one stands in one workflow at most.",
    "SYN382": "Evidence is asked of a proposing capability of its workflow, and is given by reading ones of it.",
    "SYN383": "A workflow that is settled by hand has no capability with a policy, and one that is settled by policy has one.",
    # Arguments
    "SYN401": "An argument that is used is declared.",
    "SYN402": "An argument that is declared is used.",
    "SYN403": "An argument's name claims no authority: no tenant, user, credential, query, table, version or approval.",
    "SYN404": "An argument's type fits the column that it stands for.",
    "SYN405": "A string argument has a max_length or a one_of.",
    "SYN406": "What is said of an argument fits its type and does not contradict itself.",
    "SYN407": "An argument allows nothing that its column does not.",
    "SYN408": "An optional argument stands in a filter of a list or of an aggregate: without it, that filter is left out.",
    "SYN409": "An argument with many stands for a one_of, and only such an argument does.",
    # Related rows
    "SYN701": "A link leads to a table of its own contract.",
    "SYN702": "A link's two tables are in one source.",
    "SYN703": "A link compares columns that both tables have and neither denies.",
    "SYN704": "The two columns of a link's pair are of one type that every engine compares alike: text, integer, uuid, date.",
    "SYN705": "A link has not the name of a column of its table.",
    "SYN706": "A path stands in the where and returns of a read, and each of its steps is a link of the table before it to one row.",
    "SYN707": "A read brings along only lists that its table links to with `many: true`.",
    "SYN708": "Only a read by key brings lists along; a list of lists would have no bound.",
    "SYN709": "All tables that a capability reads hold the tenant in one type.",
    "SYN710": "The reason of a link is given for a link to one row, and is not blank.",
    "SYN711": "A read follows at most 16 links to one row, and each of its lists at most 16.",
    # Names across contracts
    "SYN501": "A contract's name is given once.",
    "SYN502": "A capability's name is given once, over all contracts.",
    "SYN503": "A capability's name is still its own when its dot is written as two underscores.",
    "SYN504": "A capability's name, with its dot written as two underscores, has at most 64 characters.",
    "SYN505": "The prefix `synapsor.` belongs to the built-in tools.",
    # Aggregates
    "SYN601": "A measure counts, or is one of count_distinct, sum, avg, min and max of one column; places belongs to avg.",
    "SYN602": "A function is of a type that every engine computes exactly: sum and avg of numbers, min and max of numbers and times.",
    "SYN603": "A group is one column of text, integers, booleans, dates or UUIDs, or one unit of a date or timestamp; a date has no hours.",
    "SYN604": "Buckets of a timestamptz name an IANA time zone that is known here, and no others do.",
    "SYN605": "A group and a measure have different names.",
    "SYN606": "An aggregate with groups is ordered by them and by measures, and by a period's value only where two are compared.",
    "SYN607": "The periods of a comparison are ranges of one column of numbers or times.",
    "SYN608": "The periods of a comparison do not overlap.",
    "SYN609": "The where of an aggregate does not name the whole key.",
    # Columns that are not shown as they are, and row security
    "SYN801": "The key, tenant, principal and version of a table are shown as they are.",
    "SYN802": "last_four belongs to text, and token to types whose stored text is known beforehand; reveal belongs to token; of a denied column nothing is said of how it is shown.",
    "SYN803": "A column that is not shown as it is stands in a filter with fixed values only: with an argument its value could be guessed.",
    "SYN804": "A column that is not shown as it is stands in no order.",
    "SYN805": "A bound, a risk and a policy are about columns that are shown as they are.",
    "SYN806": "A column for aggregates only is neither returned nor set.",
    "SYN807": "Two tables over one relation agree on how its columns are shown, and on its row security.",
    "SYN808": "Row security names at least one setting, each once, and no tenant where all rows belong to one.",
    "SYN809": "A column that is not shown as it is is no group and no period; a masked or tokenised one is measured by count_distinct only.",
}


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean …?` for a near miss, or ""."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else ""
