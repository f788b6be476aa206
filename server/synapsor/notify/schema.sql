-- The notifier's own file. Nothing in it is evidence of anything; the ledger is.

CREATE TABLE cursor (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    ledger TEXT NOT NULL,
    seq INTEGER NOT NULL CHECK (seq >= 0),
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE held (
    number INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,
    key TEXT NOT NULL,
    since TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (channel, key)
) STRICT;

CREATE TABLE message (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'dead')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    due_at TEXT NOT NULL,
    first_at TEXT,
    ended_at TEXT,
    why TEXT,
    reached TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX message_due ON message (channel, number) WHERE state = 'waiting';
CREATE INDEX message_at ON message (channel, at);

CREATE TABLE rest (
    channel TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    until TEXT NOT NULL
) STRICT;

CREATE TABLE moment (
    name TEXT PRIMARY KEY CHECK (name IN ('alive', 'refused_told')),
    at TEXT NOT NULL
) STRICT;

CREATE TABLE refused (
    minute TEXT PRIMARY KEY,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    logins INTEGER NOT NULL CHECK (logins >= 0),
    decisions INTEGER NOT NULL CHECK (decisions >= 0)
) STRICT;

CREATE TABLE reminder (
    proposal TEXT PRIMARY KEY,
    times INTEGER NOT NULL,
    last_at TEXT NOT NULL,
    expired INTEGER NOT NULL CHECK (expired IN (0, 1))
) STRICT;
