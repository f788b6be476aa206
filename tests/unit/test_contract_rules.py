"""Every rule of a contract: what breaks it is refused at the exact line and under the exact id, and nothing else is reported.

Each case swaps a piece of the good contract for a bad one; `# SYN…` in the bad piece marks the line and what it is refused for.
"""

import re
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from synapsor.contract.capability import AggregateCapability, ProposeCapability
from synapsor.contract.document import read_document
from synapsor.contract.load import MAX_BYTES, load, load_all, read_text
from synapsor.contract.rules import RULES
from synapsor.contract.shape import PARTS as MODELS
from synapsor.contract.spelling import ENTRIES, PARTS
from synapsor.errors import ContractError, Problem
from tests.unit.contracts import GOOD, LINKED

ROOT = Path(__file__).parents[2]
_MARK = re.compile(r"# ((?:SYN\d{3} ?)+)$")

YAML = [
    (
        "a bracket that stays open",
        "order: [-fee]\n  billing.prop",
        "order: [-fee\n  billing.propose_note: [} # SYN004\n  billing.prop",
    ),
    ("an unknown escape", "Look at one invoice.", '"Look at \\q one invoice." # SYN004'),
    ("a second document", "    approval: {role: lead}\n", "    approval: {role: lead}\n--- # SYN005\nx: 1\n"),
    ("a directive", "synapsor: 1\n", "%YAML 1.1 # SYN005\n---\nsynapsor: 1\n"),
    ("an anchor", "returns: [id, status, fee]", "returns: &a [id] # SYN006"),
    ("an alias", "returns: [id, status, fee]", "returns: &a [id] # SYN006\n    context: *a # SYN006"),
    ("a merge key", "source: shop", "source: shop\n    <<: {key: id} # SYN006"),
    ("a tag", "paid: boolean", "paid: !!str boolean # SYN007"),
    ("a tag of Python", "order: [-fee]", "order: !python/object:os.system [-fee] # SYN007"),
    ("a key twice", "due: date", "due: date\n      due: text # SYN008"),
    ("a capability twice", "billing.list_open:\n", "billing.inspect: # SYN008\n"),
    ("a list as a key", "due: date", "due: date\n      ? [a] # SYN009\n      : text"),
    ("a number as a key", "due: date", "due: date\n      7: text # SYN009"),
    ("null as a key", "due: date", "due: date\n      null: text # SYN009"),
    ("yes", "card_token: denied", "card_token: {denied: yes} # SYN010"),
    ("off", "card_token: denied", "card_token: {denied: off} # SYN010"),
    ("no as a column", "due: date", "no: date # SYN010"),
    ("a country code", "where: {status: open}", "where: {note: NO} # SYN010"),
    ("an octal", "note: {type: text, max_length: 500}", "note: {type: text, max_length: 0500} # SYN010"),
    ("a hexadecimal", "at_most: 10000}}}", "at_most: 0x10}}} # SYN010"),
    ("a sexagesimal", "where: {status: open}", "where: {note: 12:30:00} # SYN010"),
    ("an underscore in a number", "at_most: 10000}}}", "at_most: 10_000}}} # SYN010"),
    ("a plus sign", "at_most: 10000}}}", "at_most: +1}}} # SYN010"),
    ("a tilde", "where: {status: open}", "where: {note: ~} # SYN010"),
    ("a capital True", "card_token: denied", "card_token: {denied: True} # SYN010"),
    ("a decimal", "at_most: 10000}}}", "at_most: 99.5}}} # SYN011"),
    ("an exponent", "where: {status: open}", "where: {note: 1e3} # SYN011"),
    ("not a number", "where: {status: open}", "where: {note: .nan} # SYN011"),
    ("2^53", "at_most: 10000}}}", "at_most: 9007199254740992}}} # SYN012"),
    ("5000 digits", "at_most: 10000}}}", "at_most: " + "9" * 5000 + "}}} # SYN012"),
    ("12 levels too many", "where: {status: open}", "where: {status: " + "[" * 12 + "x" + "]" * 12 + "} # SYN013"),
    ("nothing after the colon", "order: [-fee]", "order: # SYN014"),
    ("an escaped bidi override", "Look at one invoice.", '"Look \\u202e at one invoice." # SYN003'),
    ("an escaped zero-width space", "due: date", '"d\\u200bue": date # SYN003'),
    ("an escaped NUL", "where: {status: open}", 'where: {note: "\\0"} # SYN003'),
    ("an escaped surrogate", "where: {status: open}", 'where: {note: "\\ud800"} # SYN003'),
    ("an escaped tag character", "Look at one invoice.", '"Look at one invoice. \\U000E0041" # SYN003'),
    ("an escaped no-break space", "where: {status: open}", 'where: {note: "open\\_"} # SYN003'),
    ("an escaped terminal command", "Look at one invoice.", '"Look at \\e[2J one invoice." # SYN003'),
]
SHAPE = [
    ("an unknown key", "order: [-fee]", "oder: [-fee] # SYN101"),
    ("an unknown key of a table", "moves: [", "move: [updated_at] # SYN101\n    moves: ["),
    ("an unknown key of a column", "{type: numeric, scale: 2}", "{type: numeric, precision: 12} # SYN101"),
    ("a settlement", "capabilities:\n", "settlement: {review: automatic} # SYN102\ncapabilities:\n"),
    ("an approval of any of several", "{role: lead}", "{role: lead, any_of: [boss]} # SYN102"),
    ("an optional argument", "words: {", "words: {required: false, # SYN102\n       "),
    ("another language version", "synapsor: 1", "synapsor: 2 # SYN102"),
    ("a truncate", "propose: update invoices", "propose: truncate invoices # SYN105"),
    ("an approval without a role", "{role: lead}", "{expires_hours: 3} # SYN103"),
    ("a single tenant without a reason", "tenant: tenant_id\n", "tenant: {single_tenant: true} # SYN103\n"),
    ("a text for a list", "returns: [id, status, fee]", "returns: id # SYN104"),
    ("a list for a filter", "where: {status: open}", "where: {status: [open]} # SYN104"),
    ("a number for a name", "contract: billing", "contract: 5 # SYN104"),
    ("a text for a number", "at_most: 10000}}}", 'at_most: "10000"}}} # SYN104'),
    ("true for a number", "at_most: 10000}}}", "at_most: true}}} # SYN104"),
    ("a mapping for a name", "source: shop", "source: {name: shop} # SYN104"),
    ("a list for a column", "due: date", "due: [date] # SYN104"),
    ("a list for the tenant", "tenant: tenant_id\n", "tenant: [tenant_id] # SYN104\n"),
    ("a text for a capability", "approval: {role: lead}\n", "approval: {role: lead}\n  billing.other: read # SYN104\n"),
    ("a relation without its schema", "billing.invoice_review", "invoices # SYN105"),
    ("a relation with SQL", "billing.invoice_review", '"billing.x; drop table y" # SYN105'),
    ("a column with a percent sign", "due: date", '"d%e": date # SYN105'),
    ("a capability without an area", "billing.list_open:", "list_open: # SYN105"),
    ("a context of no session", "principal: session.user}", "principal: env.USER} # SYN105"),
    ("an order in words", "order: [-fee]", "order: [fee desc] # SYN105"),
    ("a capital in an argument", "words: {", "Words: {type: boolean} # SYN105\n      words: {"),
    ("an unknown type", "due: date", "due: dat # SYN106"),
    ("an unknown type written out", "{type: numeric, scale: 2}", "{type: decimal, scale: 2} # SYN106"),
    ("an unknown argument type", "words: {type: string,", "words: {type: object, # SYN106\n       "),
    ("a tenant that is not single", "tenant: tenant_id\n", "tenant: {single_tenant: false, because: so} # SYN106\n"),
    ("too many rows", "order: [-fee]", "limits: {rows: 1001} # SYN107"),
    ("an empty list", "returns: [id, status, fee]", "returns: [] # SYN107"),
    ("a short description", "Look at one invoice.", "Look. # SYN107"),
    ("a blank description", "Look at one invoice.", '"          " # SYN107'),
    ("a blank reason", "tenant: tenant_id\n", 'tenant: {single_tenant: true, because: " "} # SYN107\n'),
    (
        "no verb",
        "billing.list_open:\n",
        "billing.other: # SYN108\n    description: Does nothing.\n  billing.list_open:\n",
    ),
    ("two verbs", "propose: update invoices", "propose: update invoices\n    read: invoices # SYN108"),
]
TABLES = [
    ("an unmapped key", "key: id\n", "key: idd # SYN201\n"),
    ("an unmapped moving column", "moves: [updated_at]", "moves: [updated_on] # SYN201"),
    ("a denied version", "version: row_version", "version: card_token # SYN202"),
    ("an unmapped column in only", "moves: [updated_at]", "moves: [updated_at]\n    only: {gone: null} # SYN304"),
    (
        "an argument in only",
        "moves: [updated_at]",
        "moves: [updated_at]\n    only: {note: $words} # SYN211",
    ),
    ("the tenant in only", "moves: [updated_at]", "moves: [updated_at]\n    only: {tenant_id: acme} # SYN306"),
    (
        "a principal of numbers",
        "moves: [updated_at]",
        "moves: [updated_at]\n    principal: due # SYN204",
    ),
    ("a principal that is the tenant", "moves: [updated_at]", "moves: [updated_at]\n    principal: tenant_id # SYN206"),
    ("a tenant of dates", "tenant: tenant_id", "tenant: due # SYN204"),
    ("a version of text", "version: row_version", "version: status # SYN205"),
    ("a version of dates", "version: row_version", "version: due # SYN205"),
    (
        "the version as the tenant",
        "tenant: tenant_id\n    version: row_version",
        "tenant: row_version\n    version: row_version # SYN206",
    ),
    ("a moving tenant", "moves: [updated_at]", "moves: [tenant_id] # SYN206"),
    ("a scale of text", "note: {type: text, max_length: 500}", "note: {type: text, scale: 2} # SYN207"),
    ("a list of numbers", "due: date", "due: {type: integer, one_of: ['1']} # SYN207"),
    ("a minimum above the maximum", "minimum: 0,", "minimum: 100001, # SYN207\n       "),
    (
        "a value above max_length",
        "one_of: [open, overdue]}",
        "one_of: [open, overdue], # SYN207\n        max_length: 4}",
    ),
    ("columns alike but for case", "      due: date\n", "      due: date # SYN208\n      Due: date # SYN208\n"),
    ("a system catalogue", "billing.invoice_review", "pg_catalog.pg_authid # SYN209"),
    ("a system catalogue in capitals", "billing.invoice_review", "INFORMATION_SCHEMA.columns # SYN209"),
    ("the receipts", "write_to: billing.invoices", "write_to: billing.synapsor_receipts # SYN209"),
    (
        "a key of json",
        "capabilities:\n",
        (
            "  more:\n    source: shop\n    relation: billing.more\n    key: extra # SYN203\n    tenant: who\n"
            "    columns: {extra: json, who: text}\ncapabilities:\n"
        ),
    ),
    (
        "a second table over one relation",
        "capabilities:\n",
        (
            "  more:\n    source: shop\n    relation: billing.invoices\n    key: note\n    tenant: who # SYN210\n"
            "    columns:\n      who: text\n      note: text\n      card_token: text # SYN210\ncapabilities:\n"
        ),
    ),
    (
        "a table of nothing but a tenant",
        "capabilities:\n",
        (
            "  more:\n    source: shop\n    relation: billing.more\n    key: who\n    tenant: who # SYN206\n    columns: {who: text}\n"
            "capabilities:\n  billing.more: # SYN307\n    description: Look at more.\n    read: more\n"
        ),
    ),
]
CAPABILITIES = [
    ("an unknown table", "    read: invoices\n    where", "    read: invoice # SYN301\n    where"),
    ("an unknown context", "where: {status: open}", "where: {status: open}\n    context: suport # SYN302"),
    ("an unknown column returned", "returns: [id, status, fee]", "returns: [id, stats] # SYN304"),
    ("an unknown column filtered", "where: {status: open}", "where: {state: open} # SYN304"),
    ("an unknown column ordered by", "order: [-fee]", "order: [-fees] # SYN304"),
    ("an unknown column set", "set: {note: $words}", "set: {note: $words, notes: x} # SYN304"),
    ("an unknown column bound", "bounds: {fee:", "bounds: {fees: # SYN304\n       "),
    ("a denied column returned", "returns: [id, status, fee]", "returns: [id, card_token] # SYN305"),
    ("a denied column filtered", "where: {status: open}", "where: {card_token: x} # SYN305"),
    ("a denied column ordered by", "order: [-fee]", "order: [card_token] # SYN305"),
    ("a denied column set", "set: {note: $words}", "set: {note: $words, card_token: x} # SYN305"),
    ("a denied column bound", "bounds: {fee:", "bounds: {card_token: # SYN305\n       "),
    ("the tenant returned", "returns: [id, status, fee]", "returns: [id, tenant_id] # SYN306"),
    ("the tenant filtered", "where: {status: open}", "where: {tenant_id: globex} # SYN306"),
    (
        "the tenant from an argument",
        "{id: $invoice_id}\n    returns",
        "{id: x, tenant_id: $invoice_id} # SYN306\n    returns",
    ),
    ("the tenant ordered by", "order: [-fee]", "order: [tenant_id] # SYN306"),
    ("the tenant set", "set: {note: $words}", "set: {note: $words, tenant_id: globex} # SYN306"),
    ("a column returned twice", "returns: [id, status, fee]", "returns: [id, status, id] # SYN308"),
    ("a column ordered by twice", "order: [-fee]", "order: [-fee, fee] # SYN308"),
    ("a value listed twice", "one_of: [open, overdue]}", "one_of: [open, overdue, open]} # SYN308"),
    ("a moving column twice", "moves: [updated_at]", "moves: [updated_at, updated_at] # SYN308"),
    ("a relation in a description", "The open invoices.", "All rows of billing.invoice_review. # SYN309"),
    ("a denied column in a description", "Look at one invoice.", "Look at one CARD_TOKEN. # SYN309"),
    ("a denied column in an argument", "words: {", "words: {description: No card_token, # SYN309\n       "),
    ("an empty comparison", "where: {status: open}", "where: {status: {}} # SYN316"),
    ("no value and a value", "where: {status: open}", "where: {fee: {has_value: false, above: 1}} # SYN316"),
    ("ends that leave nothing between", "where: {status: open}", "where: {fee: {at_least: 5, below: 5}} # SYN316"),
    (
        "days in the wrong order",
        "where: {status: open}",
        'where: {due: {at_least: "2026-02-01", at_most: "2026-01-31"}} # SYN316',
    ),
    ("decimals in the wrong order", "where: {status: open}", 'where: {amount: {above: 10, at_most: "9.90"}} # SYN316'),
    ("two lower ends", "where: {status: open}", "where: {fee: {at_least: 1, above: 1}} # SYN316"),
    ("a range of text", "where: {status: open}", "where: {note: {above: a}} # SYN317"),
    ("a beginning of a number", "where: {status: open}", "where: {fee: {starts_with: '1'}} # SYN317"),
    (
        "an argument among constants",
        "where: {status: open}",
        "arguments: {word: {type: string, max_length: 5}}\n    where: {note: {one_of: [a, $word]}} # SYN318 SYN409",
    ),
    ("a constant listed twice", "where: {status: open}", "where: {fee: {one_of: [1, 1]}} # SYN308"),
    ("nothing to begin with", "where: {status: open}", "where: {note: {starts_with: ''}} # SYN331"),
    ("a value of no type in a range", "where: {status: open}", "where: {fee: {above: x}} # SYN331"),
    ("pages of one row", "returns: [id, status, fee]", "pages: true # SYN313"),
    ("a total of one row", "returns: [id, status, fee]", "total: true # SYN313"),
    ("a filter on json", "where: {status: open}", "where: {extra: x} # SYN312"),
    ("json set", "set: {note: $words}", "set: {note: $words, extra: null} # SYN312"),
    ("an order of one row", "returns: [id, status, fee]", "order: [fee] # SYN313"),
    ("an order of json", "order: [-fee]", "order: [extra] # SYN314"),
    ("a null key", "where: {status: open}\n    order: [-fee]", "where: {id: null} # SYN315"),
    (
        "a proposal on more than the key",
        "{id: $invoice_id}\n    set",
        "{id: $invoice_id, status: open} # SYN321\n    set",
    ),
    ("a proposal on every row but one", "{id: $invoice_id}\n    set", "{id: {not: $invoice_id}} # SYN321\n    set"),
    ("a proposal on another column", "{id: $invoice_id}\n    set", "{due: $invoice_id} # SYN321\n    set"),
    (
        "a proposal on every row",
        "invoice_id: {type: string, max_length: 64}\n      words: {type: string, max_length: 500}\n    where: {id: $invoice_id}",
        "words: {type: string, max_length: 500}\n    where: {} # SYN321",
    ),
    ("the key set", "set: {note: $words}", "set: {note: $words, id: x} # SYN323"),
    ("the version set", "set: {note: $words}", "set: {note: $words, row_version: 1} # SYN323"),
    ("a moving column set", "set: {note: $words}", "set: {note: $words, updated_at: null} # SYN323"),
    ("a bound on text", "bounds: {fee:", "bounds: {status: # SYN324\n       "),
    ("a bound on what is not set", "{fee: {before:", "{fee: {after: # SYN325\n       "),
    ("an empty bound", "{fee: {before: {at_most: 10000}}}", "{fee: {}} # SYN326"),
    ("an empty range", "{fee: {before: {at_most: 10000}}}", "{fee: {before: {}}} # SYN326"),
    ("a range upside down", "{at_most: 10000}", "{at_least: 10001, # SYN326\n      at_most: 10000}"),
    (
        "a value outside its bound",
        "set: {note: $words}\n    bounds: {fee: {before",
        "set: {note: $words, fee: 10001} # SYN327\n    bounds: {fee: {after",
    ),
    ("a value of no list", "where: {status: open}", "where: {status: paid} # SYN331"),
    ("a value of another type", "set: {note: $words}", "set: {note: $words, fee: none} # SYN331"),
    ("a value out of range", "set: {note: $words}", "set: {note: $words, fee: 100001} # SYN331"),
    ("a value that would be rounded", "set: {note: $words}", "set: {note: $words, amount: '10.005'} # SYN331"),
    ("true set as a number", "set: {note: $words}", "set: {note: $words, fee: true} # SYN331"),
    ("a day that is none", "set: {note: $words}", "set: {note: $words, due: 2024-02-31} # SYN331"),
]
SHOWING = [
    ("a masked key", "      id: text\n", "      id: {type: text, show: last_four} # SYN801\n"),
    ("a tokenised tenant", "      tenant_id: text\n", "      tenant_id: {type: text, show: token} # SYN801\n"),
    (
        "a version for aggregates",
        "row_version: integer\n",
        "row_version: {type: integer, show: aggregate} # SYN801\n",
    ),
    ("a masked date", "due: date", "due: {type: date, show: last_four} # SYN802"),
    ("a token of json", "extra: json", "extra: {type: json, show: token} # SYN802"),
    ("a denied column that is shown", "card_token: denied", "card_token: {denied: true, show: token} # SYN802"),
    ("a role for no token", "due: date", "due: {type: date, reveal: lead} # SYN802"),
    ("a masked column that a role looks behind", "note: {", "note: {show: last_four, reveal: lead, # SYN802\n       "),
    ("a way to show that is none", "due: date", "due: {type: date, show: hash} # SYN106"),
]
ROW_SECURITY = [
    ("row security without a setting", "moves: [", "row_security: {} # SYN808\n    moves: ["),
    (
        "one setting for two",
        "moves: [",
        "row_security:\n      tenant: app.who\n      principal: app.who # SYN808\n    moves: [",
    ),
    ("a setting without a prefix", "moves: [", "row_security: {tenant: tenant} # SYN105\n    moves: ["),
    ("a setting with SQL", "moves: [", "row_security: {tenant: app.x' or true} # SYN105\n    moves: ["),
    ("a setting for nothing known", "moves: [", "row_security: {role: app.role} # SYN101\n    moves: ["),
]
HIDDEN = [
    (
        "an argument for a token",
        "note: {show: token,",
        "where: {status: open}",
        "arguments: {word: {type: string, max_length: 5}}\n    where: {note: $word} # SYN803",
    ),
    (
        "the beginning of a masked value",
        "note: {show: last_four,",
        "where: {status: open}",
        "arguments: {word: {type: string, max_length: 5}}\n    where: {note: {starts_with: $word}} # SYN803",
    ),
    (
        "an optional argument for a column of aggregates",
        "note: {show: aggregate,",
        "where: {status: open}",
        "arguments: {word: {type: string, max_length: 5, optional: true}}\n    where: {note: $word} # SYN803",
    ),
    ("an order of tokens", "note: {show: token,", "order: [-fee]", "order: [-note] # SYN804"),
    ("an order of masked values", "note: {show: last_four,", "order: [-fee]", "order: [note] # SYN804"),
    (
        "a column for aggregates returned",
        "note: {show: aggregate,",
        "returns: [id, status, fee]",
        "returns: [id, note] # SYN806",
    ),
    ("a column for aggregates set", "note: {show: aggregate,", "set: {note: $words}", "set: {note: $words} # SYN806"),
]
ARGUMENTS = [
    ("an undeclared argument", "set: {note: $words}", "set: {note: $words, due: $day} # SYN401"),
    ("an unused argument", "words: {", "spare: {type: boolean} # SYN402\n      words: {"),
    ("an argument of a list", "order: [-fee]", "order: [-fee]\n    arguments: {least: {type: integer}} # SYN402"),
    ("an integer for a text", "words: {type: string, max_length: 500}", "words: {type: integer} # SYN404"),
    ("a number", "words: {type: string, max_length: 500}", "words: {type: number} # SYN404"),
    ("a string without an end", "words: {type: string, max_length: 500}", "words: {type: string} # SYN405"),
    (
        "a minimum above an argument's maximum",
        "words: {type: string, max_length: 500}",
        "words: {type: integer, # SYN404\n        minimum: 2, maximum: 1} # SYN406",
    ),
    ("a minimum of text", "words: {", "words: {minimum: 1, # SYN406\n       "),
    (
        "an argument's value above max_length",
        "words: {type: string, max_length: 500}",
        "words: {type: string, max_length: 2, one_of: [abc]} # SYN406",
    ),
    (
        "an argument longer than its column",
        "words: {type: string, max_length: 500}",
        "words: {type: string, max_length: 501} # SYN407",
    ),
    (
        "an argument for a listed column",
        "      words: {type: string, max_length: 500}\n    where: {id: $invoice_id}\n    set: {note: $words}",
        "      words: {type: string, max_length: 500} # SYN407\n    where: {id: $invoice_id}\n    set: {status: $words}",
    ),
    (
        "a value that its column does not list",
        "      words: {type: string, max_length: 500}\n    where: {id: $invoice_id}\n    set: {note: $words}",
        "      words: {type: string, one_of: [open, paid]} # SYN407\n    where: {id: $invoice_id}\n    set: {status: $words}",
    ),
    (
        "an argument beyond its column's range",
        "      words: {type: string, max_length: 500}\n    where: {id: $invoice_id}\n    set: {note: $words}",
        "      words: {type: integer, minimum: 0} # SYN407\n    where: {id: $invoice_id}\n    set: {fee: $words}",
    ),
    (
        "an optional key",
        "invoice_id: {type: string, max_length: 64}\n    where: {id: $invoice_id}\n    returns",
        "invoice_id: {type: string, max_length: 64, optional: true}\n    where: {id: $invoice_id} # SYN408\n    returns",
    ),
    (
        "a list for one value",
        "words: {type: string, max_length: 500}\n    where: {id: $invoice_id}\n    set: {note: $words}",
        "words: {type: string, max_length: 500, many: 3}\n    where: {id: $invoice_id}\n    set: {note: $words} # SYN409",
    ),
    (
        "one value for a list",
        "where: {status: open}",
        "arguments: {word: {type: string, max_length: 5}}\n    where: {note: {one_of: $word}} # SYN409",
    ),
    (
        "a cursor of its own",
        "where: {status: open}",
        "arguments:\n      cursor: {type: string, max_length: 5} # SYN403\n    where: {note: $cursor}",
    ),
    ("a long name", "billing.list_open:", "billing." + "x" * 63 + ": # SYN504"),
    ("a built-in area", "billing.list_open:", "synapsor.list_open: # SYN505"),
]
AGGREGATES = [
    ("a measure of two functions", "{sum: fee}", "{sum: fee, avg: fee} # SYN601"),
    ("a measure of no function", "{sum: fee}", "{} # SYN601"),
    ("an unknown measure", "invoices: count", "invoices: median # SYN106"),
    ("a number for a measure", "invoices: count", "invoices: 5 # SYN104"),
    ("an unknown function", "{sum: fee}", "{total: fee} # SYN101"),
    ("places of a sum", "{sum: fee}", "{sum: fee, places: 2} # SYN601"),
    ("a sum of text", "{sum: fee}", "{sum: note} # SYN602"),
    ("the least text", "{sum: fee}", "{min: note} # SYN602"),
    ("different documents", "{sum: fee}", "{count_distinct: extra} # SYN602"),
    ("a sum of a denied column", "{sum: fee}", "{sum: card_token} # SYN305"),
    ("a sum of the tenant", "{sum: fee}", "{count_distinct: tenant_id} # SYN306"),
    ("a sum of nothing known", "{sum: fee}", "{sum: fees} # SYN304"),
    ("a denied column as a name", "invoices: count", "card_token: count # SYN309"),
    ("the tenant as a name", "invoices: count", "tenant_id: count # SYN309"),
    ("groups of decimals", "state: status", "state: amount # SYN603"),
    ("groups of instants", "state: status", "state: updated_at # SYN603"),
    ("groups of a denied column", "state: status", "state: card_token # SYN305"),
    ("groups by an unknown column", "state: status", "state: stats # SYN304"),
    ("two units", "{month: updated_at, zone: UTC}", "{month: updated_at, year: due, zone: UTC} # SYN603"),
    ("no unit", "{month: updated_at, zone: UTC}", "{zone: UTC} # SYN603"),
    ("months of text", "{month: updated_at, zone: UTC}", "{month: note} # SYN603"),
    ("hours of a date", "{month: updated_at, zone: UTC}", "{hour: due} # SYN603"),
    ("months of a denied column", "{month: updated_at, zone: UTC}", "{month: card_token} # SYN305"),
    ("a list for a group", "state: status", "state: [status] # SYN104"),
    ("an instant without a zone", "{month: updated_at, zone: UTC}", "{month: updated_at} # SYN604"),
    ("a date with a zone", "{month: updated_at, zone: UTC}", "{month: due, zone: UTC} # SYN604"),
    ("a zone that is none", "zone: UTC}", "zone: Europe/Berln} # SYN604"),
    ("a zone of this machine", "zone: UTC}", "zone: localtime} # SYN604"),
    ("a zone that is a path", "zone: UTC}", 'zone: "../UTC"} # SYN105'),
    ("one name for two", "state: status", "state: status\n      total: status # SYN605"),
    ("an order by something else", "order: [-total, state]", "order: [-fee] # SYN606"),
    ("an order by a part of a group", "order: [-total, state]", "order: [state.change] # SYN606"),
    ("an order by the change of a date", "order: [-total, state]", "order: [last.change] # SYN606"),
    ("an order by an unknown part", "order: [-total, state]", "order: [total.next] # SYN105"),
    ("an order twice", "order: [-total, state]", "order: [-total, total] # SYN308"),
    (
        "an order of one result",
        "    group:\n      state: status\n      month: {month: updated_at, zone: UTC}\n    order: [-total, state]",
        "    order: [-total] # SYN606",
    ),
    ("periods of text", "column: due", "column: note # SYN607"),
    ("periods of a denied column", "column: due", "column: card_token # SYN305"),
    ("a period of single days", "current: {at_least: $from}", "current: {one_of: ['2026-01-01']} # SYN607"),
    ("a period of everything", "current: {at_least: $from}", "current: {} # SYN316"),
    ("a period of no date", "previous: {below: $from}", "previous: {below: soon} # SYN331"),
    (
        "one period",
        "      periods:\n        current: {at_least: $from}\n        previous: {below: $from}",
        "      periods: # SYN103\n        current: {at_least: $from}",
    ),
    (
        "periods that overlap",
        "      periods:\n        current: {at_least: $from}\n        previous: {below: $from}",
        "      periods: # SYN608\n        current: {at_least: '2026-01-01'}\n        previous: {at_most: '2026-01-01'}",
    ),
    (
        "a where that names one row",
        "    aggregate: invoices",
        "    where: {id: INV-1} # SYN609\n    aggregate: invoices",
    ),
    ("an unknown table to count", "    aggregate: invoices", "    aggregate: invoice # SYN301"),
    ("columns returned", "    aggregate: invoices", "    returns: [id] # SYN101\n    aggregate: invoices"),
    ("a verb more", "    aggregate: invoices", "    read: invoices # SYN108\n    aggregate: invoices"),
    ("a having", "    aggregate: invoices", "    having: {total: 1} # SYN102\n    aggregate: invoices"),
    ("a minimum of none", "    aggregate: invoices", "    minimum_group: 0 # SYN107\n    aggregate: invoices"),
    ("too many groups", "    aggregate: invoices", "    limits: {groups: 10001} # SYN107\n    aggregate: invoices"),
    ("groups of a read", "    order: [-fee]", "    limits: {groups: 5} # SYN101"),
]
PROPOSED = GOOD[GOOD.index("    propose: update invoices") :]
"""The good proposal, from its operation on."""


def inserted(said: str, items: str = "") -> str:
    """Return an insert with what it says of dedup and set."""
    return (
        f"    propose: insert invoices\n    arguments:\n      words: {{type: string, max_length: 500}}{items}\n"
        f"{said}\n    approval: {{role: lead}}\n"
    )


def listed(said: str, limits: str = "    members: {at_most: 20}", verb: str = "update") -> str:
    """Return a proposal about a set of rows, with what it says of them."""
    return f"    propose: {verb} invoices\n{limits}\n{said}\n    approval: {{role: lead}}\n"


OPEN = "    where: {status: open}\n    set: {status: overdue}"
LINES = "\n      lines: {type: items, many: 9, fields: {sku: {type: string, max_length: 9}, sum: {type: integer, minimum: 0, maximum: 9}}}"
EACH = "    items: $lines\n    dedup: [tenant_id, id]\n    set: {id: $lines.sku, fee: $lines.sum, note: $words}"
PROPOSALS = [
    (
        "nothing set",
        PROPOSED,
        "    propose: update invoices # SYN353\n    where: {id: x}\n    approval: {role: lead}\n",
    ),
    ("a where of an insert", "propose: update invoices", "propose: update invoices\n    dedup: [id] # SYN347"),
    (
        "an insert by key",
        PROPOSED,
        inserted("    where: {id: x} # SYN347\n    dedup: [tenant_id, id]\n    set: {id: x, note: $words}"),
    ),
    ("a delete that sets", PROPOSED, listed(OPEN + " # SYN347", verb="delete")),
    (
        "effects of an update",
        "    set: {note: $words}",
        "    set: {note: $words}\n    accepts: {triggers: [t]} # SYN347",
    ),
    (
        "a bound before an insert",
        PROPOSED,
        inserted(
            "    dedup: [tenant_id, id]\n    set: {id: x, note: $words, fee: 1}\n    bounds: {fee: {before: {at_most: 1}}} # SYN347"
        ),
    ),
    ("two things at once", "set: {note: $words}", "set: {note: $words, fee: {add: 1, subtract: 1}} # SYN340"),
    ("nothing computed", "set: {note: $words}", "set: {note: $words, fee: {}} # SYN340"),
    ("a text to count", "set: {note: $words}", "set: {note: $words, status: {add: 1}} # SYN341"),
    (
        "counting on no row",
        PROPOSED,
        inserted("    dedup: [tenant_id, id]\n    set: {id: x, note: $words, fee: {add: 1}} # SYN341"),
    ),
    ("an amount below zero", "set: {note: $words}", "set: {note: $words, fee: {add: -1}} # SYN342"),
    ("an amount of cents", "set: {note: $words}", "set: {note: $words, fee: {subtract: '0.5'}} # SYN342"),
    (
        "an argument below zero",
        "words: {type: string, max_length: 500}\n    where: {id: $invoice_id}\n    set: {note: $words}",
        "words: {type: integer, maximum: 9} # SYN342\n    where: {id: $invoice_id}\n    set: {fee: {add: $words}}",
    ),
    ("an amount of text", "set: {note: $words}", "set: {note: hm, amount: {add: $words}}"),
    ("now as a text", "set: {note: $words}", "set: {note: $words, status: {from: now}} # SYN343"),
    ("a person as a number", "set: {note: $words}", "set: {note: $words, fee: {from: principal}} # SYN343"),
    ("a tenant as a number", "set: {note: $words}", "set: {note: $words, fee: {from: tenant}} # SYN343"),
    ("a word of no list", "set: {note: $words}", "set: {note: $words, due: {from: yesterday}} # SYN106"),
    (
        "steps of what is not set",
        "    set: {note: $words}",
        "    set: {note: $words}\n    transitions: {status: {open: [overdue]}} # SYN344",
    ),
    (
        "steps of a number",
        "    set: {note: $words}",
        "    set: {note: $words, fee: 1}\n    transitions: {fee: {a: [b]}} # SYN344",
    ),
    (
        "a step to nowhere",
        "    set: {note: $words}",
        "    set: {note: $words, status: overdue}\n    transitions: {status: {open: [overdue, gone]}} # SYN344",
    ),
    (
        "no step that leads there",
        "    set: {note: $words}",
        "    set: {note: $words, status: open}\n    transitions: {status: {open: [overdue]}} # SYN345",
    ),
    (
        "the version unchanged",
        "    set: {note: $words}",
        "    set: {note: $words}\n    unchanged: [row_version] # SYN346",
    ),
    ("a set column unchanged", "    set: {note: $words}", "    set: {note: $words}\n    unchanged: [note] # SYN346"),
    (
        "a denied column unchanged",
        "    set: {note: $words}",
        "    set: {note: $words}\n    unchanged: [card_token] # SYN305",
    ),
    (
        "an insert without dedup",
        PROPOSED,
        inserted("    set: {id: x, note: $words}").replace("insert invoices", "insert invoices # SYN348"),
    ),
    ("a dedup that nothing fills", PROPOSED, inserted("    dedup: [tenant_id, id] # SYN348\n    set: {note: $words}")),
    ("a dedup of null", PROPOSED, inserted("    dedup: [tenant_id, id] # SYN348\n    set: {note: $words, id: null}")),
    ("a dedup over tenants", PROPOSED, inserted("    dedup: [id] # SYN348\n    set: {note: $words, id: x}")),
    ("a dedup twice", PROPOSED, inserted("    dedup: [tenant_id, id, id] # SYN308\n    set: {note: $words, id: x}")),
    (
        "items that nothing tells apart",
        PROPOSED,
        inserted(
            EACH.replace("id: $lines.sku", "id: x, status: open, due: 2024-02-01, amount: '1'").replace(
                "dedup: [tenant_id, id]", "dedup: [tenant_id, id] # SYN349"
            ),
            LINES.replace("sku: {type: string, max_length: 9}, ", ""),
        ),
    ),
    (
        "items of no such argument",
        PROPOSED,
        inserted(
            EACH.replace("items: $lines", "items: $words # SYN350")
            .replace("$lines.sku", "x")
            .replace("[tenant_id, id]", "[tenant_id, id] # SYN349")
            .replace("$lines.sum", "1")
        ),
    ),
    (
        "items without fields",
        PROPOSED,
        inserted(
            "    items: $lines\n    dedup: [tenant_id, id] # SYN349\n    set: {id: x, note: $words}",
            "\n      lines: {type: items, many: 3} # SYN350",
        ),
    ),
    (
        "an optional field",
        PROPOSED,
        inserted(EACH + " # SYN408", LINES.replace("sum: {", "sum: {optional: true, # SYN350\n        ")),
    ),
    (
        "items for an update",
        "words: {",
        "lines: {type: items, many: 3, fields: {words: {type: boolean}}} # SYN350 SYN402\n      words: {",
    ),
    (
        "fields of a text",
        "words: {type: string,",
        "words: {fields: {a: {type: boolean}}, type: string, # SYN402 SYN406\n       ",
    ),
    (
        "an undeclared field",
        PROPOSED,
        inserted(EACH.replace("fee: $lines.sum", "fee: $lines.sum, due: $lines.day # SYN401\n     "), LINES),
    ),
    (
        "a set without a limit",
        PROPOSED,
        listed(OPEN.replace("open}", "open} # SYN321", 1), limits="    context: support"),
    ),
    ("members of one row", "    set: {note: $words}", "    set: {note: $words}\n    members: {at_most: 1} # SYN351"),
    (
        "a policy for several rows",
        PROPOSED,
        listed(OPEN).replace("{role: lead}", "{role: lead, policy: small} # SYN354 SYN371"),
    ),
    ("a set that nobody watches", PROPOSED, listed(OPEN) + "    worker: supervised # SYN355\n"),
    (
        "an undo of what is not known",
        "    approval: {role: lead}\n",
        "    approval: {role: lead}\n    undo: always # SYN106\n",
    ),
    (
        "an undo of a delete",
        PROPOSED,
        listed("    where: {status: open}", verb="delete") + "    undo: reviewed # SYN391\n",
    ),
    (
        "an undo of an insert without the key",
        PROPOSED,
        inserted("    dedup: [tenant_id, note]\n    set: {note: $words}\n    undo: reviewed # SYN392"),
    ),
    (
        "an undo of an insert with an empty key",
        PROPOSED,
        inserted("    dedup: [tenant_id, note]\n    set: {note: $words, id: null}\n    undo: reviewed # SYN392"),
    ),
    (
        "an undo of a hidden column",
        GOOD[GOOD.index("      note: {type") :],
        GOOD[GOOD.index("      note: {type") :].replace("500}\n      paid", "500, show: last_four}\n      paid")
        + "    undo: reviewed # SYN393\n",
    ),
    (
        "an undo of an insert into a table with a hidden column",
        GOOD[GOOD.index("      note: {type") :],
        GOOD[GOOD.index("      note: {type") :]
        .replace("500}\n      paid", "500, show: last_four}\n      paid")
        .replace(
            PROPOSED,
            inserted("    dedup: [tenant_id, id]\n    set: {id: $words, status: open}\n    undo: reviewed # SYN393"),
        ),
    ),
    (
        "an undo that nobody watches",
        "    approval: {role: lead}\n",
        "    approval: {role: lead}\n    worker: supervised\n    undo: reviewed # SYN394\n",
    ),
    (
        "an undo of what an application does",
        "    approval: {role: lead}\n",
        "    approval: {role: lead}\n    executor: shop_app\n    undo: reviewed # SYN396\n",
    ),
    (
        "effects of a delete that the worker does not look at",
        PROPOSED,
        listed("    where: {status: open}\n    accepts: {cascades: [billing.lines]} # SYN397", verb="delete")
        + "    executor: shop_app\n",
    ),
    (
        "a version that an undo counts without one",
        "    set: {note: $words}",
        "    set: {note: $words, fee: {add: 1}}\n    advances: fee # SYN395",
    ),
    *(
        (
            f"a version that counts {what}",
            "    set: {note: $words}",
            f"    set: {{note: $words, {counted}}}\n    undo: reviewed\n    advances: {name} # SYN395",
        )
        for what, name, counted in (
            ("nothing", "fee", "fee: {add: 0}"),
            ("down", "fee", "fee: {subtract: 1}"),
            ("what it likes", "fee", "fee: 5"),
            ("a decimal", "amount", "amount: {add: 1}"),
            ("what is not set", "paid", "fee: {add: 1}"),
        )
    ),
    (
        "one row by a range",
        PROPOSED,
        listed("    where: {id: {not: a}} # SYN321\n    set: {status: overdue}", limits="    context: support"),
    ),
    (
        "members of every row",
        PROPOSED,
        listed("    set: {status: overdue}", limits="    members: {at_most: 5} # SYN351"),
    ),
    ("too many members", PROPOSED, listed(OPEN, limits="    members: {at_most: 101} # SYN107")),
    (
        "a total of text",
        PROPOSED,
        listed(OPEN, limits="    members: {at_most: 5, totals: {note: {before: {at_most: 1}}}} # SYN324"),
    ),
    (
        "a total of what is not set",
        PROPOSED,
        listed(OPEN, limits="    members: {at_most: 5, totals: {fee: {after: {at_most: 1}}}} # SYN325"),
    ),
    (
        "a total that says nothing",
        PROPOSED,
        listed(OPEN, limits="    members: {at_most: 5, totals: {fee: {}}} # SYN326"),
    ),
]
PROPOSED_WELL = {
    "a set that is updated": listed(OPEN, limits="    members: {at_most: 5, totals: {fee: {before: {at_most: 9}}}}"),
    "a set by a range of keys": listed("    where: {id: {one_of: [a, b]}}\n    set: {status: overdue}"),
    "a set that is deleted": listed(
        "    where: {status: open}\n    accepts: {cascades: [billing.lines]}", verb="delete"
    ),
    "one row that is inserted": inserted(
        "    dedup: [tenant_id, id]\n    set: {id: {from: proposal}, note: $words, due: {from: now}, row_version: 1}"
    ),
    "items that are inserted": inserted(EACH, LINES),
}
CASES = [*YAML, *SHAPE, *TABLES, *CAPABILITIES, *SHOWING, *ROW_SECURITY, *ARGUMENTS, *PROPOSALS]
COUNTING = (
    GOOD
    + """\
  billing.totals:
    description: The fees of each state.
    aggregate: invoices
    arguments:
      from: {type: string, max_length: 10}
    measures:
      invoices: count
      total: {sum: fee}
      mean: {avg: amount, places: 4}
      last: {max: due}
    group:
      state: status
      month: {month: updated_at, zone: UTC}
    order: [-total, state]
    compare:
      column: due
      periods:
        current: {at_least: $from}
        previous: {below: $from}
"""
)

LINKS = [
    ("an unknown key of a link", "{to: buyers, on: {buyer_id: id}}\n      lines", "{to: buyers, one: {buyer_id: id}} # SYN101 SYN103\n      lines"),
    ("a link that compares nothing", "on: {buyer_id: id}}\n      lines", "on: {}} # SYN107\n      lines"),
    ("a path in `on`", "on: {buyer_id: id}}\n      lines", "on: {buyer_id: a.b}} # SYN105\n      lines"),
    ("the key on twice", "because: Regions come from one list.", "on: {name: id} # SYN008\n       "),
    ("on as a column", "{id: text, name: text}", "{id: text, name: text, on: text} # SYN010"),
    ("on as a value of a link", "many: true", "many: on # SYN010\n       "),
    ("a table that is not there", "{to: buyers, on: {buyer_id: id}}\n      lines", "{to: buyer, on: {buyer_id: id}} # SYN701\n      lines"),
    ("a column that is not there", "on: {region_id: id}", "on: {region: id} # SYN703\n       "),
    ("a denied column", "on: {region_id: id}", "on: {ssn_1: id} # SYN703\n       "),
    ("a denied column of the other", "on: {id: invoice_id}", "on: {id: cost} # SYN703\n       "),
    ("another type", "on: {id: invoice_id}", "on: {id: line} # SYN704\n       "),
    ("a type that engines compare differently", "on: {id: invoice_id}", "on: {amount: weight} # SYN704\n       "),
    ("a link named like a column", "      buyer: {to", "      status: {to: buyers, on: {buyer_id: id}} # SYN705\n      buyer: {to"),
    ("a link named like a denied column", "      buyer: {to", "      card_token: {to: buyers, on: {buyer_id: id}} # SYN705\n      buyer: {to"),
    ("a reason for a list", "many: true", "many: true, because: so # SYN710\n      "),
    ("a blank reason", "because: Regions come from one list.", "because: ' ' # SYN710\n     "),
    ("a path that leads nowhere", "returns: [id, status, buyer.name", "returns: [id, status, seller.name # SYN706\n     "),
    ("a path through a list", "returns: [id, status, buyer.name", "returns: [id, status, lines.line # SYN706\n     "),
    ("a path of four links", "returns: [id, status, buyer.name", "returns: [id, status, a.b.c.d.e # SYN105\n     "),
    ("a path to no column", "returns: [id, status, buyer.name", "returns: [id, status, buyer.nam # SYN304\n     "),
    ("a path to a denied column", "returns: [id, status, buyer.name", "returns: [id, status, buyer.ssn_1 # SYN305\n     "),
    ("a path to a tenant", "returns: [id, status, buyer.name", "returns: [id, status, buyer.tenant # SYN306\n     "),
    ("a path twice", "buyer.region.name]", "buyer.region.name, buyer.name # SYN308\n     ]"),
    ("an order by a path that leads nowhere", "order: [-fee]", "order: [seller.name] # SYN706"),
    ("an order by a path through a list", "order: [-fee]", "order: [-lines.line] # SYN706"),
    ("an order by a path of four links", "order: [-fee]", "order: [-a.b.c.d.e] # SYN105"),
    ("an order by a path to no column", "order: [-fee]", "order: [-buyer.nam] # SYN304"),
    ("an order by a denied column of a related row", "order: [-fee]", "order: [buyer.ssn_1] # SYN305"),
    ("an order by the tenant of a related row", "order: [-fee]", "order: [buyer.tenant] # SYN306"),
    ("an order by a path twice", "order: [-fee]", "order: [buyer.name, -buyer.name] # SYN308"),
    ("an order of a list by a path to nothing", "order: [-count]", "order: [buyer.name] # SYN706\n     "),
    ("an order of a list by what is denied behind a link", "order: [-count]", "order: [-receiver.ssn_1] # SYN305\n     "),
    ("a path that a proposal returns", "    set: {note: $words}", "    returns: [id, buyer.name] # SYN706\n    set: {note: $words}"),
    ("a path of which a proposal asks", "    where: {id: $invoice_id}\n    set", "    where: {id: $invoice_id, buyer.tier: gold} # SYN706 SYN321\n    set"),
    ("a value that does not fit a path", "buyer.tier: plain", "buyer.tier: silver # SYN331\n       "),
    ("a path compared with a list", "where: {status: open, buyer.tier: plain}", "where: {status: open, buyer.tier: [plain]} # SYN104"),
    ("an application that depends on a related row", "    set: {note: $words}", "    set: {note: $words}\n    unchanged: [buyer.tier]\n    executor: app # SYN398"),
    ("a path to nothing that must stay", "    set: {note: $words}", "    unchanged: [seller.name] # SYN706\n    set: {note: $words}"),
    ("a path through a list that must stay", "    set: {note: $words}", "    unchanged: [lines.count] # SYN706\n    set: {note: $words}"),
    ("a denied column that must stay", "    set: {note: $words}", "    unchanged: [buyer.ssn_1] # SYN305\n    set: {note: $words}"),
    ("a path that must stay twice", "    set: {note: $words}", "    unchanged: [buyer.tier, buyer.tier] # SYN308\n    set: {note: $words}"),
    ("a change that says which row it depends on", "    set: {note: $words}", "    unchanged: [buyer.tier] # SYN356\n    set: {note: $words, buyer_id: x}"),
    ("an insert that does not", "propose: update invoices\n    arguments:\n      invoice_id: {type: string, max_length: 64}\n      words: {type: string, max_length: 500}\n    where: {id: $invoice_id}\n    set: {note: $words}\n    bounds: {fee: {before: {at_most: 10000}}}", "propose: insert invoices\n    arguments: {words: {type: string, max_length: 500}}\n    dedup: [tenant_id, id]\n    set: {note: $words, id: x}\n    unchanged: [buyer.tier] # SYN356"),
    ("an insert that keeps its own", "propose: update invoices\n    arguments:\n      invoice_id: {type: string, max_length: 64}\n      words: {type: string, max_length: 500}\n    where: {id: $invoice_id}\n    set: {note: $words}\n    bounds: {fee: {before: {at_most: 10000}}}", "propose: insert invoices\n    arguments: {words: {type: string, max_length: 500}}\n    dedup: [tenant_id, id]\n    set: {note: $words, id: x}\n    unchanged: [fee] # SYN347"),
    ("a path to nothing that is required", "    set: {note: $words}", "    requires: {seller.name: x} # SYN706\n    set: {note: $words}"),
    ("an argument that is required", "    set: {note: $words}", "    requires: {buyer.name: $words} # SYN357\n    set: {note: $words}"),
    ("a range of an argument", "    set: {note: $words}", "    requires: {fee: {at_most: $words}} # SYN357\n    set: {note: $words}"),
    ("a value that does not fit", "    set: {note: $words}", "    requires: {buyer.tier: silver} # SYN331\n    set: {note: $words}"),
    ("a denied column that is required", "    set: {note: $words}", "    requires: {card_token: x} # SYN305\n    set: {note: $words}"),
    ("a required row that the change picks", "    set: {note: $words}", "    requires: {buyer.tier: gold} # SYN356\n    set: {note: $words, buyer_id: x}"),
    ("an insert that requires of itself", "propose: update invoices\n    arguments:\n      invoice_id: {type: string, max_length: 64}\n      words: {type: string, max_length: 500}\n    where: {id: $invoice_id}\n    set: {note: $words}\n    bounds: {fee: {before: {at_most: 10000}}}", "propose: insert invoices\n    arguments: {words: {type: string, max_length: 500}}\n    dedup: [tenant_id, id]\n    set: {note: $words, id: x}\n    requires: {fee: 1} # SYN347"),
    ("a delete with what it requires twice over", "    set: {note: $words}", "    requires: {status: {one_of: [open, open]}} # SYN308\n    set: {note: $words}"),
    ("lists of a list", "order: [-fee]", "with: {lines: {rows: 3}} # SYN708\n    order: [-fee]"),
    ("a list that is a link to one row", "      lines: {returns", "      buyer: {rows: 1} # SYN707\n      lines: {returns"),
    ("a list that is no link", "      lines: {returns", "      line: {rows: 1} # SYN707\n      lines: {returns"),
    ("a list of too many rows", "rows: 20", "rows: 1001 # SYN107\n     "),
    ("a list that shows what is denied", "returns: [line, receiver.name]", "returns: [line, cost] # SYN305\n     "),
    ("a list that shows a path to nothing", "returns: [line, receiver.name]", "returns: [line, buyer.name] # SYN706\n     "),
    ("a list that shows a column twice", "returns: [line, receiver.name]", "returns: [line, line] # SYN308\n     "),
    ("a list filtered by what is denied", "where: {count: {at_least: 1}", "where: {cost: a # SYN305\n     "),
    ("a list filtered by another type", "{at_least: 1}", "{at_least: x} # SYN331\n       "),
    ("a list filtered by json", "{at_least: 1}", "1, raw: a # SYN312\n       "),
    ("a list ordered by json", "order: [-count]", "order: [raw] # SYN314\n     "),
    ("a list ordered by a column twice", "order: [-count]", "order: [-count, count] # SYN308\n     "),
    ("a list filtered by an argument that is not declared", "{at_least: 1}", "{at_least: $n} # SYN401\n       "),
    ("an unknown key of a list", "rows: 20", "limit: 20 # SYN101\n     "),
    ("an argument named like the tenant of a related row", "invoice_id: {type: string, max_length: 64}\n    where: {id: $invoice_id}\n    returns", "tenant: {type: string, max_length: 64} # SYN403\n    where: {id: $tenant}\n    returns"),
    ("a description that names a denied column of a related row", "Look at one invoice.", "Look at one invoice and its ssn_1. # SYN309"),
]  # fmt: skip


LINKED_COUNTING = (
    LINKED.replace(
        "columns: {id: text, tenant: text, name: text,",
        "columns: {id: text, tenant: text, since: timestamptz, born: date, credit: integer, raw: json, weight: float, name: text,",
    )
    + """\
  billing.buyers:
    description: The invoices of buyers.
    aggregate: invoices
    arguments:
      tier: {type: string, one_of: [gold, plain]}
    where: {buyer.tier: $tier}
    measures:
      invoices: count
      credit: {sum: buyer.credit}
      last: {max: buyer.born}
    group:
      place: buyer.region.name
      month: {month: buyer.since, zone: UTC}
    order: [-credit]
    compare:
      column: buyer.born
      periods:
        current: {at_least: "2000-01-01"}
        previous: {below: "2000-01-01"}
"""
)

LINKED_AGGREGATES = [
    ("a group by a path that leads nowhere", "place: buyer.region.name", "place: seller.name # SYN706"),
    ("a group by a path through a list", "place: buyer.region.name", "place: lines.line # SYN706"),
    ("a group by a path of four links", "place: buyer.region.name", "place: a.b.c.d.e # SYN105"),
    ("a group by no column", "place: buyer.region.name", "place: buyer.nam # SYN304"),
    ("a group by a denied column", "place: buyer.region.name", "place: buyer.ssn_1 # SYN305"),
    ("a group by a tenant", "place: buyer.region.name", "place: buyer.tenant # SYN306"),
    ("a group by a float", "place: buyer.region.name", "place: buyer.weight # SYN603"),
    ("a group by json", "place: buyer.region.name", "place: buyer.raw # SYN603"),
    ("a group named like a denied column of a related row", "place: buyer.region.name", "ssn_1: buyer.region.name # SYN309"),
    ("a group named like the tenant of a related row", "place: buyer.region.name", "tenant: buyer.region.name # SYN309"),
    ("a stretch of what is no time", "{month: buyer.since, zone: UTC}", "{month: buyer.name} # SYN603"),
    ("a stretch without a zone", "{month: buyer.since, zone: UTC}", "{month: buyer.since} # SYN604"),
    ("a zone of a date", "{month: buyer.since, zone: UTC}", "{month: buyer.born, zone: UTC} # SYN604"),
    ("an hour of a date", "{month: buyer.since, zone: UTC}", "{hour: buyer.born} # SYN603"),
    ("a stretch of a denied column", "{month: buyer.since, zone: UTC}", "{month: buyer.ssn_1} # SYN305"),
    ("a sum of text", "{sum: buyer.credit}", "{sum: buyer.name} # SYN602"),
    ("a sum of a float", "{sum: buyer.credit}", "{sum: buyer.weight} # SYN602"),
    ("a sum through a list", "{sum: buyer.credit}", "{sum: lines.count} # SYN706"),
    ("a sum of a denied column", "{sum: buyer.credit}", "{sum: buyer.ssn_1} # SYN305"),
    ("a count of a tenant", "{sum: buyer.credit}", "{count_distinct: buyer.tenant} # SYN306"),
    ("a measure named like a denied column of a related row", "last: {max: buyer.born}", "ssn_1: {max: buyer.born} # SYN309"),
    ("a change of what is no number", "order: [-credit]", "order: [last.change] # SYN606"),
    ("periods of text", "column: buyer.born", "column: buyer.name # SYN607"),
    ("periods of a denied column", "column: buyer.born", "column: buyer.ssn_1 # SYN305"),
    ("a filter by a denied column", "{buyer.tier: $tier}", "{buyer.tier: $tier, buyer.ssn_1: a} # SYN305"),
    ("a filter by a tenant", "{buyer.tier: $tier}", "{buyer.tier: $tier, buyer.tenant: a} # SYN306"),
    ("a filter through a list", "{buyer.tier: $tier}", "{buyer.tier: $tier, lines.line: 1} # SYN706"),
    ("a value that does not fit behind a link", "{buyer.tier: $tier}", "{buyer.tier: $tier, buyer.credit: x} # SYN331"),
    ("an argument named like the tenant of a related row", "tier: {type: string, one_of: [gold, plain]}\n    where: {buyer.tier: $tier}",
     "tenant: {type: string, one_of: [gold, plain]} # SYN403\n    where: {buyer.tier: $tenant}"),
    ("a description that names a denied column of a related row", "The invoices of buyers.", "The invoices of every ssn_1. # SYN309"),
]  # fmt: skip


def marked(text: str) -> list[tuple[int, str]]:
    """Return the (line, rule) pairs that a text's marks expect."""
    found = ((number, _MARK.search(line)) for number, line in enumerate(text.splitlines(), 1))
    return sorted((number, rule) for number, mark in found if mark for rule in mark[1].split())


def reported(problems: tuple[Problem, ...]) -> list[tuple[int, str]]:
    return sorted((p.line, p.rule) for p in problems)


def load_text(folder: Path, *texts: str) -> tuple[Problem, ...]:
    """Return the problems of contracts through the public way in, or none."""
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"{number}.yaml")
        files[-1].write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load_all(files)
    except ContractError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("name", PROPOSED_WELL)
def test_a_proposal_of_every_operation_is_in_order(name: str, tmp_path: Path) -> None:
    problems = load_text(tmp_path, GOOD.replace(PROPOSED, PROPOSED_WELL[name]))
    assert [str(problem) for problem in problems] == []


@pytest.mark.requirement("contract:load:strict")
@pytest.mark.parametrize(("good", "bad"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_broken_rule_is_reported_at_its_line(good: str, bad: str, tmp_path: Path) -> None:
    assert GOOD.count(good) == 1, "the case no longer fits the good contract"
    text = GOOD.replace(good, bad)
    problems = load_text(tmp_path, text)
    assert reported(problems) == marked(text), [str(p) for p in problems]
    assert all(p.message and p.column >= 1 for p in problems)


@pytest.mark.requirement("hidden:no-oracle")
@pytest.mark.parametrize(("note", "good", "bad"), [case[1:] for case in HIDDEN], ids=[case[0] for case in HIDDEN])
def test_a_hidden_column_is_neither_asked_for_nor_ordered_by(note: str, good: str, bad: str) -> None:
    text = GOOD.replace("note: {", note + " ").replace(good, bad)
    text = (
        text if "aggregate" not in note or "set:" in good else text.replace("set: {note: $words}", "set: {paid: true}")
    )
    problems = read_text(text, "x.yaml").problems
    assert [p for p in reported(problems) if p[1] != "SYN402"] == marked(text), [str(p) for p in problems]


@pytest.mark.requirement("hidden:no-oracle")
def test_a_hidden_column_is_filtered_by_fixed_values_and_has_no_bound() -> None:
    text = GOOD.replace("fee: {type: integer,", "fee: {type: integer, show: token,").replace("    order: [-fee]\n", "")
    text = text.replace("where: {status: open}", "where: {fee: 5, status: open}")
    text = text.replace("bounds: {fee:", "bounds: {fee: # SYN805\n       ")
    assert reported(read_text(text, "x.yaml").problems) == marked(text)


@pytest.mark.requirement("hidden:no-oracle")
@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        ("fee: {", listed("    where: {status: open}\n    set: {fee: {add: 1 # SYN805\n      }}")),
        (
            "fee: {",
            listed(
                "    where: {status: open}\n    set: {fee: 1}",
                limits="    members: {at_most: 5, totals: {fee: {after: {at_most: 9}}}} # SYN805",
            ),
        ),
        (
            "status: {",
            listed(
                "    where: {id: x}\n    set: {status: overdue}\n    transitions: {status: {open: [overdue]}} # SYN805",
                limits="    context: support",
            ),
        ),
        ("note: {", inserted("    dedup: [tenant_id, id, note] # SYN805\n    set: {id: x, note: $words}")),
    ],
    ids=["added to", "a total", "steps", "dedup"],
)
def test_nothing_of_a_proposal_follows_from_a_hidden_value(hidden: str, said: str) -> None:
    text = GOOD.replace(PROPOSED, said).replace(hidden, hidden + "show: token, ", 1)
    found = [p for p in reported(read_text(text, "x.yaml").problems) if p[1] == "SYN805"]
    assert found == marked(text)
    assert found


@pytest.mark.requirement("hidden:no-oracle")
def test_no_policy_approves_what_is_written_to_a_hidden_column() -> None:
    text = GOOD.replace("note: {", "note: {show: token, ").replace(
        "approval: {role: lead}", "approval: {role: lead, policy: small} # SYN805"
    )
    text += "policies:\n  small: {when: {fee: {before: {at_most: 9}}}, limits: {per_day: {count: 3}}}\n"
    assert [p for p in reported(read_text(text, "x.yaml").problems) if p[1] == "SYN805"] == marked(text)


@pytest.mark.requirement("hidden:no-oracle")
def test_a_link_joins_by_columns_that_are_shown_as_they_are() -> None:
    text = LINKED.replace("region_id: text,", "region_id: {type: text, show: token},")
    text = text.replace("because: Regions come from one list.}", "because: So it is.} # SYN810")
    text = text.replace(
        "receiver: {to: buyers, on: {buyer_id: id}}", "receiver: {to: buyers, on: {buyer_id: region_id}} # SYN810"
    )
    assert reported(read_text(text, "x.yaml").problems) == marked(text)


@pytest.mark.requirement("hidden:no-oracle")
def test_no_change_requires_something_of_a_hidden_column() -> None:
    text = LINKED.replace("name: text, tier:", "name: {type: text, show: token}, tier:").replace(
        "note: {type: text,", "note: {type: text, show: last_four,"
    )
    text = text.replace(
        "    set: {note: $words}",
        "    requires: {buyer.name: x} # SYN805\n    set: {status: open}",
    ).replace("      words: {type: string, max_length: 500}\n", "")
    assert [p for p in reported(read_text(text, "x.yaml").problems) if p[1] == "SYN805"] == marked(text)


@pytest.mark.requirement("hidden:no-oracle")
def test_no_change_depends_on_a_hidden_column_of_another_row() -> None:
    text = LINKED.replace("name: text, tier:", "name: {type: text, show: token}, tier:")
    text = text.replace(
        "    set: {note: $words}", "    unchanged: [buyer.name, buyer.tier] # SYN805\n    set: {note: $words}"
    )
    assert [p for p in reported(read_text(text, "x.yaml").problems) if p[1] == "SYN805"] == marked(text)


@pytest.mark.requirement("hidden:no-oracle")
def test_neither_risk_nor_a_policy_judges_by_a_hidden_column() -> None:
    text = GOOD.replace("fee: {type: integer,", "fee: {type: integer, show: token,").replace("    order: [-fee]\n", "")
    text = text.replace(
        "    bounds: {fee: {before: {at_most: 10000}}}\n", "    risk: {high: {fee: {before: {at_least: 5}}}} # SYN805\n"
    )
    text = text.replace("approval: {role: lead}", "approval: {role: lead, policy: small} # SYN805")
    text += "policies:\n  small: {when: {fee: {before: {at_most: 9}}}, limits: {per_day: {count: 3}}}\n"
    assert [p for p in reported(read_text(text, "x.yaml").problems) if p[1] == "SYN805"] == marked(text)


@pytest.mark.requirement("hidden:no-oracle")
def test_a_hidden_column_is_no_group_and_no_extreme() -> None:
    text = COUNTING.replace("      status: {", "      status: {show: token, ").replace(
        "due: date", "due: {type: date, show: token}"
    )
    for old in ("      state: status", "      last: {max: due}", "      column: due"):
        assert text.count(old) == 1
        text = text.replace(old, f"{old} # SYN809")
    assert [p for p in reported(read_text(text, "x.yaml").problems) if p[1] != "SYN803"] == marked(text)


def test_what_is_shown_whole_is_the_same_as_saying_nothing() -> None:
    text = GOOD.replace("note: {", "note: {show: value, ")
    plain, said = read_text(GOOD, "x.yaml").contract, read_text(text, "x.yaml").contract
    assert plain == said


def test_two_tables_over_one_relation_show_its_columns_alike(tmp_path: Path) -> None:
    first = GOOD.replace("note: {", "note: {show: token, reveal: privacy, ")
    second = (
        GOOD.replace("contract: billing", "contract: other")
        .replace("  billing.", "  other.")
        .replace("note: {type: text, max_length: 500}", "note: {type: text, max_length: 500} # SYN807")
        .replace("    moves: [", "    row_security: {tenant: app.tenant_id} # SYN807\n    moves: [")
    )
    assert reported(load_text(tmp_path, first, second)) == marked(second)


def test_row_security_has_no_tenant_where_all_rows_belong_to_one() -> None:
    text = GOOD.replace("tenant: tenant_id\n", "tenant: {single_tenant: true, because: one shop}\n")
    text = text.replace("moves: [", "row_security: {tenant: app.tenant_id} # SYN808\n    moves: [")
    assert [p for p in reported(read_text(text, "x.yaml").problems) if p[1] == "SYN808"] == marked(text)


@pytest.mark.requirement("contract:load:strict")
@pytest.mark.parametrize(("good", "bad"), [case[1:] for case in AGGREGATES], ids=[case[0] for case in AGGREGATES])
def test_a_broken_rule_of_an_aggregate_is_reported_at_its_line(good: str, bad: str, tmp_path: Path) -> None:
    assert COUNTING.count(good) == 1, "the case no longer fits the contract"
    text = COUNTING.replace(good, bad)
    problems = load_text(tmp_path, text)
    # An argument whose use the case has taken away is not what it is about.
    found = [p for p in problems if p.rule != "SYN402"]
    assert reported(tuple(found)) == marked(text), [str(p) for p in problems]


@pytest.mark.requirement("contract:load:strict")
@pytest.mark.parametrize(("good", "bad"), [case[1:] for case in LINKS], ids=[case[0] for case in LINKS])
def test_a_broken_rule_of_links_is_reported_at_its_line(good: str, bad: str, tmp_path: Path) -> None:
    assert LINKED.count(good) == 1, "the case no longer fits the contract"
    text = LINKED.replace(good, bad)
    problems = load_text(tmp_path, text)
    assert reported(problems) == marked(text), [str(p) for p in problems]


@pytest.mark.requirement("contract:load:strict")
@pytest.mark.parametrize(
    ("good", "bad"), [case[1:] for case in LINKED_AGGREGATES], ids=[case[0] for case in LINKED_AGGREGATES]
)
def test_a_broken_rule_of_an_aggregate_through_links_is_reported_at_its_line(good: str, bad: str) -> None:
    assert LINKED_COUNTING.count(good) == 1, "the case no longer fits the contract"
    text = LINKED_COUNTING.replace(good, bad)
    assert reported(read_text(text, "x.yaml").problems) == marked(text)


def test_linked_tables_are_of_one_source_and_hold_the_tenant_in_one_type() -> None:
    other = LINKED.replace(
        "source: shop\n    relation: billing.regions", "source: other\n    relation: billing.regions"
    )
    other = other.replace("because: Regions come from one list.}", "because: So it is.} # SYN702")
    assert reported(read_text(other, "x.yaml").problems) == marked(other)
    typed = LINKED.replace("tenant: text, name", "tenant: integer, name").replace(
        "  billing.inspect:", "  billing.inspect: # SYN709"
    )
    typed = typed.replace("  billing.list_open:", "  billing.list_open: # SYN709")
    assert reported(read_text(typed, "x.yaml").problems) == marked(typed)


def test_a_statement_follows_so_many_links_and_no_more() -> None:
    links = "".join(f"      b{n}: {{to: buyers, on: {{buyer_id: id}}}}\n" for n in range(17))
    text = LINKED.replace("      buyer: {to", links + "      buyer: {to")
    sixteen = ", ".join(f"b{n}.name" for n in range(14))  # and buyer, and its region
    assert read_text(text.replace("returns: [id, status,", f"returns: [{sixteen},"), "x.yaml").problems == ()
    more = text.replace("returns: [id, status,", f"returns: [{sixteen}, b14.region.name,")
    more = more.replace("  billing.inspect:", "  billing.inspect: # SYN711")
    assert reported(read_text(more, "x.yaml").problems) == marked(more)


def test_an_order_by_related_rows_is_one_that_they_have_and_that_pages_can_go_on_in() -> None:
    listed = LINKED.replace("region_id: text, ssn_1", "raw: json, weight: float, region_id: text, ssn_1")
    listed = listed.replace("order: [-count]", "order: [receiver.name, -receiver.region.name]")
    assert read_text(listed.replace("[-fee]", "[buyer.name, -buyer.weight]"), "x.yaml").problems == ()
    json = listed.replace("order: [-fee]", "order: [buyer.raw] # SYN314")
    assert reported(read_text(json, "x.yaml").problems) == marked(json)
    pages = listed.replace("order: [-fee]", "pages: true\n    order: [buyer.name, -buyer.weight] # SYN319")
    assert reported(read_text(pages, "x.yaml").problems) == marked(pages)


def test_the_links_of_an_order_are_followed_like_all_others() -> None:
    links = "".join(f"      b{n}: {{to: buyers, on: {{buyer_id: id}}}}\n" for n in range(17))
    text = LINKED.replace("      buyer: {to", links + "      buyer: {to")
    sixteen = ", ".join(f"b{n}.name" for n in range(14))
    more = text.replace(
        "order: [-fee]", f"order: [{sixteen}, buyer.region.name]"
    )  # and the filter's buyer, which is the same
    assert read_text(more, "x.yaml").problems == ()
    more = more.replace(f"{sixteen}, buyer.region.name]", f"{sixteen}, buyer.region.name, b15.name]")
    more = more.replace("  billing.list_open:", "  billing.list_open: # SYN711")
    assert reported(read_text(more, "x.yaml").problems) == marked(more)


def test_an_argument_fits_the_column_of_a_related_row() -> None:
    text = LINKED.replace("{at_least: 1}", "{at_least: $least}").replace(
        "      invoice_id: {type: string, max_length: 64}\n    where: {id: $invoice_id}\n    returns",
        "      invoice_id: {type: string, max_length: 64}\n      least: {type: string, max_length: 9} # SYN404\n"
        "    where: {id: $invoice_id}\n    returns",
    )
    assert reported(read_text(text, "x.yaml").problems) == marked(text)
    fits = text.replace("least: {type: string, max_length: 9} # SYN404", "least: {type: integer, optional: true}")
    assert read_text(fits, "x.yaml").problems == ()
    tier = LINKED.replace("buyer.tier: plain", "buyer.tier: $tier").replace(
        "    description: The open invoices.\n",
        "    description: The open invoices.\n    arguments:\n      tier: {type: string, max_length: 9} # SYN407\n",
    )
    assert reported(read_text(tier, "x.yaml").problems) == marked(tier)


@pytest.mark.parametrize("text", [GOOD, COUNTING, LINKED, LINKED_COUNTING])
def test_the_good_contract_is_in_order(text: str, tmp_path: Path) -> None:
    assert load_text(tmp_path, text) == ()


RESERVED = [
    "tenant", "tenant_id", "tenantid", "tenant_name", "principal", "principal_id", "user", "role", "approval", "approval_role", "approved",
    "approved_by", "sql", "sql_text", "query", "table", "column", "columns", "schema", "source", "source_id", "credential", "password",
    "token", "secret", "url", "version", "row_version", "expected_version", "idempotency_key", "limit", "offset", "order", "order_by",
    "where", "session", "session_id", "scope", "proposal_id", "evidence_id",
]  # fmt: skip


@pytest.mark.requirement("contract:arguments:no-authority")
@pytest.mark.parametrize("name", RESERVED)
def test_an_argument_that_claims_authority_is_refused(name: str) -> None:
    text = GOOD.replace("words: {", f"{name}: {{").replace("$words", f"${name}")
    assert [p.rule for p in read_text(text, "x.yaml").problems] == ["SYN403"]


@pytest.mark.parametrize("name", ["tenantId", "TENANT_ID", "principalId", "rowVersion", "approvedBy"])
def test_an_argument_that_claims_authority_in_another_spelling_is_refused(name: str) -> None:
    text = GOOD.replace("words: {", f"{name}: {{")
    assert "SYN403" in [p.rule for p in read_text(text, "x.yaml").problems]


@pytest.mark.parametrize("name", ["account", "agent"])
def test_an_argument_that_the_session_fills_is_refused(name: str) -> None:
    text = GOOD.replace("session.tenant_id", "session.account").replace("session.user", "session.agent")
    text = text.replace("words: {", f"{name}: {{").replace("$words", f"${name}")
    assert [p.rule for p in read_text(text, "x.yaml").problems] == ["SYN403"]


@pytest.mark.parametrize(
    "name", ["order_id", "customer_id", "user_id", "reason", "note", "description", "policy_number"]
)
def test_an_argument_of_the_business_is_allowed(name: str) -> None:
    text = GOOD.replace("words: {", f"{name}: {{").replace("$words", f"${name}")
    assert read_text(text, "x.yaml").problems == ()


def test_a_period_cannot_be_left_out() -> None:
    text = COUNTING.replace("max_length: 10}", "max_length: 10, optional: true}")
    text = text.replace("at_least: $from}", "at_least: $from} # SYN408").replace(
        "below: $from}", "below: $from} # SYN408"
    )
    assert reported(read_text(text, "x.yaml").problems) == marked(text)


def test_a_proposal_on_a_table_without_a_version_is_refused() -> None:
    text = GOOD.replace("    version: row_version\n", "").replace("update invoices", "update invoices # SYN322")
    assert reported(read_text(text, "x.yaml").problems) == marked(text)


def test_a_list_with_pages_is_ordered_by_what_can_be_gone_on_from() -> None:
    text = GOOD.replace("      due: date\n", "      due: date\n      weight: float\n")
    text = text.replace("order: [-fee]", "pages: true\n    order: [weight] # SYN319")
    assert reported(read_text(text, "x.yaml").problems) == marked(text)


def test_with_two_contexts_every_capability_names_one() -> None:
    text = GOOD.replace("  support: {", "  other: {tenant: session.t, principal: session.u}\n  support: {")
    problems = read_text(text, "x.yaml").problems
    assert [p.rule for p in problems] == ["SYN303", "SYN303", "SYN303"]
    assert problems[0].fix == "Add `context:` with one of: other, support."


def test_a_missing_part_of_the_file_is_reported_at_its_head() -> None:
    problems = read_text("synapsor: 1\ncontract: x\n", "x.yaml").problems
    assert [(p.line, p.rule, p.message) for p in problems] == [
        (1, "SYN103", f"`{part}` is missing.") for part in ("contexts", "tables", "capabilities")
    ]


@pytest.mark.requirement("surface:schemas")
def test_no_capability_has_a_name_of_the_programs_own_tools() -> None:
    for name in ("synapsor.proposal_status", "synapsor.wait_for_decision", "synapsor.anything"):
        text = GOOD.replace("  billing.inspect:", f"  {name}: # SYN505")
        assert reported(read_text(text, "x.yaml").problems) == marked(text)


def test_names_are_given_once_over_all_files(tmp_path: Path) -> None:
    first = GOOD.replace("billing.list_open:", "billing.a__b:")
    second = (
        GOOD.replace("contract: billing", "contract: billing # SYN501")
        .replace("billing.inspect:", "billing.inspect: # SYN502")
        .replace("billing.list_open:", "billing__a.b: # SYN503")
        .replace("billing.propose_note:", "billing.propose_other:")
    )
    problems = load_text(tmp_path, first, second)
    assert [p.file for p in problems] == [str(tmp_path / "1.yaml")] * 3
    assert reported(problems) == marked(second)


def test_two_files_over_one_relation_agree_on_its_tenant(tmp_path: Path) -> None:
    second = (
        GOOD.replace("contract: billing", "contract: other")
        .replace("  billing.", "  other.")
        .replace("tenant: tenant_id\n", "tenant: {single_tenant: true, because: it is said to be so} # SYN210\n")
    )
    problems = load_text(tmp_path, GOOD, second)
    assert [(p.line, p.rule) for p in problems if p.rule != "SYN306"] == marked(second)


def test_every_problem_of_every_file_is_reported_at_once(tmp_path: Path) -> None:
    first = GOOD.replace("returns: [id, status, fee]", "returns: [id, card_token] # SYN305").replace(
        "due: date", "due: dat # SYN106"
    )
    second = (
        GOOD.replace("order: [-fee]", "oder: [-fee] # SYN101")
        .replace("key: id\n", "key: idd # SYN201\n")
        .replace("returns: [id, status, fee]", "returns: [id, card_token] # SYN305")
    )
    problems = load_text(tmp_path, first, second)
    by_file = {name: reported(tuple(p for p in problems if p.file.endswith(name))) for name in ("0.yaml", "1.yaml")}
    assert by_file["0.yaml"] == [
        pair for pair in marked(first) if pair[1] == "SYN106"
    ]  # its tables are not understood yet
    assert set(marked(second)) <= set(by_file["1.yaml"])


@pytest.mark.requirement("contract:load:visible")
@pytest.mark.parametrize(
    "character",
    [
        "\u200b",
        "\u202e",
        "\u2066",
        "\ufeff",
        "\x1b",
        "\x00",
        "\x85",
        "\u2028",
        "\u00a0",
        "\U000e0041",
        "\u3164",
        "\u00ad",
        "\u0378",
        "\r",
    ],
)
def test_a_character_that_cannot_be_seen_is_refused_where_it_stands(character: str, tmp_path: Path) -> None:
    text = GOOD.replace("Look at one", f"Look{character} at one")
    line = GOOD[: GOOD.index("Look at one")].count("\n") + 1
    (problem,) = load_text(tmp_path, text)
    assert (problem.line, problem.column, problem.rule) == (line, 22, "SYN003")
    assert problem.message == f"U+{ord(character):04X} cannot be seen here."


def test_windows_line_ends_are_no_hidden_characters(tmp_path: Path) -> None:
    assert load_text(tmp_path, GOOD.replace("\n", "\r\n")) == ()


def test_a_problem_repeats_no_hidden_character() -> None:
    text = GOOD.replace("due: date", '"d\\u202eue": {type: date, "\\e[2J": 1}')
    assert all(str(p).isprintable() for p in read_text(text, "x.yaml").problems)


@pytest.mark.parametrize(
    ("content", "rule"),
    [(b"", "SYN104"), (b"# nothing\n", "SYN104"),
        (b"null\n", "SYN104"), (b"- a\n", "SYN104"), (b"just text\n", "SYN104"), (b"a: \xff\n", "SYN002"), (b"\xff\xfea\0", "SYN002"), (b"#" * (MAX_BYTES + 1), "SYN001")],
    ids=["empty", "a comment", "null", "a list", "a text", "latin-1", "utf-16", "too large"],
)  # fmt: skip
def test_what_is_no_contract_at_all_is_refused(content: bytes, rule: str, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(content)
    with pytest.raises(ContractError) as refused:
        load(file)
    assert [p.rule for p in refused.value.problems] == [rule]


def test_a_file_that_is_not_there_or_not_a_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path, Path("/dev/zero")):
        with pytest.raises(ContractError) as refused:
            load(path)
        assert [p.rule for p in refused.value.problems] == ["SYN001"]
        (problem,) = refused.value.problems
        assert ("no such file" in problem.message) == (path.name == "none.yaml")
        assert problem.fix


def test_a_key_that_yaml_versions_read_differently_is_to_be_quoted() -> None:
    (problem,) = read_text(GOOD.replace("      due: date\n", "      y: date\n"), "x.yaml").problems
    assert (problem.rule, problem.fix) == ("SYN010", "Put it in quotes.")


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError

    file = tmp_path / "x.yaml"
    file.write_text(GOOD, encoding="utf-8")
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ContractError) as refused:
        load(file)
    assert [p.rule for p in refused.value.problems] == ["SYN001"]


def test_only_the_first_hundred_problems_of_a_files_yaml_are_told() -> None:
    assert len(read_text("".join(f"k{n}: yes\n" for n in range(500)), "x.yaml").problems) == 100


def test_the_rest_is_checked_even_where_every_capability_is_misshapen() -> None:
    head = GOOD[: GOOD.index("  billing.inspect")].replace("key: id\n", "key: idd\n")
    problems = read_text(head + "  billing.x: 1\n", "x.yaml").problems
    assert [p.rule for p in problems] == ["SYN104"]


def test_a_hostile_file_is_refused_quickly() -> None:
    bomb = "a: " + "[" * 500_000
    laughs = "a: &a [x]\n" + "".join(f"b{n}: &b{n} [{', '.join(['*a'] * 9)}]\n" for n in range(9))
    assert [p.rule for p in read_text(bomb, "x.yaml").problems] == ["SYN013"]
    assert {p.rule for p in read_text(laughs, "x.yaml").problems} >= {"SYN006"}


@pytest.mark.parametrize(
    ("good", "bad", "fix"),
    [
        ("order: [-fee]", "oder: [-fee]", "Did you mean `order`?"),
        ("due: date", "due: dat", "Did you mean `date`?"),
        ("returns: [id, status, fee]", "returns: [id, stats]", "Did you mean `status`?"),
        ("    read: invoices\n    where", "    read: invoice\n    where", "Did you mean `invoices`?"),
        ("key: id\n", "key: idd\n", "Did you mean `id`?"),
    ],
)
def test_a_near_miss_is_answered_with_what_was_meant(good: str, bad: str, fix: str) -> None:
    assert [p.fix for p in read_text(GOOD.replace(good, bad), "x.yaml").problems] == [fix]


FEES = """  billing.fees:
    description: The fees of each state.
    aggregate: invoices
    measures: {fees: {sum: fee}}
    group: {state: status}
"""


@pytest.mark.parametrize(
    ("good", "bad", "fix"),
    [
        (
            "where: {status: open}",
            "where: {status: [open]}",
            "Write `status: open`, `status: {one_of: [open, overdue]}` or `status: {at_least: 100}`.",
        ),
        (
            "where: {status: open}",
            "where: status = open",
            "Write `where: {id: $invoice_id}` or `where: {status: open, late_fee_cents: {above: 0}}`.",
        ),
        ("where: {status: open}", "where: {fee: {'>': 3}}", "Write `fee: {above: 100}`."),
        (
            "where: {status: open}",
            "where: {status: {in: [open]}}",
            "Write `status: {one_of: [open, overdue]}`.",
        ),
        ("order: [-fee]", "order: [{fee: desc}]", "Write `order: [-late_fee_cents, id]`."),
        ("order: [-fee]", "order: fee desc", "Write `order: [-late_fee_cents, id]`."),
        ("order: [-fee]", "order: [fee desc]", "Write `order: [-late_fee_cents, id]`."),
        ("returns: [id, status, fee]", "returns: id", "Write `returns: [id, status, late_fee_cents]`."),
        ("key: id\n", "key: {id: text}\n", "Write `key: id` or `key: [order_id, line]`."),
        ("approval: {role: lead}", "approval: lead", "Write `approval: {role: billing_lead}`."),
        ("      due: date", "      due-date: date", ""),
        ("group: {state: status}", "group: [status]", "Write `group: {state: status, month: {month: due_date}}`."),
        ("{sum: fee}", "sum(fee)", "Write `fees: {sum: late_fee_cents}`."),
        ("{sum: fee}", "COUNT", "Write `fees: count` or `fees: {sum: late_fee_cents}`."),
        ("{sum: fee}", "count(*)", "Write `fees: count`."),
    ],
)
def test_another_spelling_is_answered_with_the_right_one(good: str, bad: str, fix: str) -> None:
    text = GOOD + FEES
    assert good in text
    assert {p.fix for p in read_text(text.replace(good, bad, 1), "x.yaml").problems} == {fix}


LINK = "      buyer: {to: buyers, on: {buyer_id: id}}"


@pytest.mark.parametrize(
    ("bad", "fix"),
    [
        ("      the-buyer: {to: buyers, on: {buyer_id: id}}", "Write it as `the_buyer`."),
        ("      theBuyer: {to: buyers, on: {buyer_id: id}}", "Write it as `the_buyer`."),
        ("      buyer: {to: buyers, on: {id: buyer_id}}", "Turn it round: `on: {buyer_id: id}`."),
        (
            "      buyer: {to: buyers, on: [buyer_id, id]}",
            "Write `on: {buyer_id: id}` or, of two columns, `on: {order_id: order_id, line: line}`.",
        ),
        ("      buyer: buyers", "Write `buyer: {to: buyers, on: {buyer_id: id}}`."),
        (
            "      status: {to: buyers, on: {buyer_id: id}}",
            "Give the link another name, such as `buyers`; paths begin with it.",
        ),
    ],
)
def test_a_link_in_another_spelling_is_answered_with_the_right_one(bad: str, fix: str) -> None:
    found = read_text(LINKED.replace(LINK, bad, 1), "x.yaml").problems
    assert fix in [p.fix for p in found], found


def test_a_tenant_in_the_key_is_told_to_be_left_out_of_it() -> None:
    problems = read_text(GOOD.replace("key: id\n", "key: [tenant_id, id]\n"), "x.yaml").problems
    assert [p.fix for p in problems if p.rule == "SYN206"] == ["Leave it out of the key: each look is of one tenant."]


def test_a_proposal_that_names_a_part_of_the_key_is_shown_the_whole() -> None:
    text = GOOD.replace("key: id\n", "key: [id, due]\n")
    (problem,) = [p for p in read_text(text, "x.yaml").problems if p.rule == "SYN321"]
    assert problem.fix.startswith("Write `where: {id: $invoice_id, due: $argument}`, or add `members")


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ("due: date", "due: {type: date, show: hash}", "`show` must be one of: value, last_four, token, aggregate."),
        ("{type: string,", "{type: object,", "`type` must be one of: string, integer, number, boolean, items."),
        (
            "set: {note: $words}",
            "set: {note: {from: then}}",
            "`from` must be one of: now, principal, tenant, proposal.",
        ),
        ("tenant: tenant_id\n", "tenant: {single_tenant: 2, because: so}\n", "`single_tenant` must be one of: true."),
        ("approval: {role: lead}", "approval: {role: lead}\n    undo: never", "`undo` must be one of: reviewed."),
        ("version: row_version", "version: {column: fee}", "`version` must be a column, or `whole_row`."),
        ("version: row_version", "version: 3", "`version` must be a column, or `whole_row`."),
        ("version: row_version", "version: a-b", "The name does not have the form that is asked for here: letters,"),
    ],
)
def test_a_word_of_no_list_is_answered_once_with_the_list(good: str, bad: str, words: str) -> None:
    assert good in GOOD
    (problem,) = read_text(GOOD.replace(good, bad, 1), "x.yaml").problems
    assert problem.message.startswith(words)


_QUOTED = re.compile("`([^`]+)`")


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_spelled_as_it_can_be_read(part: str) -> None:
    for example in _QUOTED.findall(f"`{PARTS[part]}`"):
        assert fits_somewhere(part, read_document(example, "x.yaml").data[part]), example


@pytest.mark.parametrize("part", ENTRIES)
def test_an_entry_of_a_part_is_spelled_as_it_can_be_read(part: str) -> None:
    for example in _QUOTED.findall(f"`{ENTRIES[part]}`".format(*["it"] * 3)):
        assert fits_somewhere(part, read_document(example, "x.yaml").data), example


def fits_somewhere(part: str, value: Any) -> bool:
    """Tell whether a value has the shape of a part of that name, in any model that has one."""
    found = False
    models: list[type[BaseModel]] = [*MODELS.values(), AggregateCapability, ProposeCapability]
    for model in models:
        field = next((f for name, f in model.model_fields.items() if part in {name, f.alias}), None)
        if field is None:
            continue
        kind: Any = Annotated[field.annotation, *field.metadata, ""]
        try:
            TypeAdapter(kind).validate_python(value)
        except ValidationError:
            continue
        found = True
    return found


def test_no_problem_repeats_a_value_or_the_words_of_pydantic() -> None:
    text = GOOD.replace("at_most: 10000}}}", "at_most: CANARY}}}").replace("{status: open}", "{fee: CANARY}")
    messages = " ".join(f"{p.message} {p.fix}" for p in read_text(text, "x.yaml").problems)
    assert messages
    assert "CANARY" not in messages
    assert "pydantic" not in messages
    assert "Input" not in messages


@pytest.mark.requirement("contract:rules:documented")
def test_every_rule_is_broken_by_a_test_and_every_broken_rule_is_documented() -> None:
    files = Path(__file__).parent.glob("test_contract_rules*.py")
    broken = {rule for file in files for rule in re.findall(r"SYN\d{3}", file.read_text(encoding="utf-8"))}
    assert broken == set(RULES)
    documented = set(re.findall(r"SYN\d{3}", (ROOT / "docs/reference/rules.md").read_text(encoding="utf-8")))
    assert documented == set(RULES)
