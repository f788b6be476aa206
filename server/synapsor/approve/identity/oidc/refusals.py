"""Why a login or a token is not accepted: a closed table of rules. No refusal repeats a word of a token, a provider or an address."""

from __future__ import annotations

from enum import StrEnum, auto

from synapsor.errors import LoginRefused


class Rule(StrEnum):
    """What a refused login is called."""

    TOKEN_MALFORMED = auto()
    TOKEN_TOO_LARGE = auto()
    TOKEN_TYPE = auto()
    HEADER_REFUSED = auto()
    ALGORITHM_REFUSED = auto()
    KEY_UNNAMED = auto()
    KEY_UNKNOWN = auto()
    KEY_UNFIT = auto()
    KEY_TOO_SMALL = auto()
    SIGNATURE_WRONG = auto()
    CLAIM_MISSING = auto()
    CLAIM_FORM = auto()
    ISSUER_WRONG = auto()
    AUDIENCE_WRONG = auto()
    AUDIENCE_SHARED = auto()
    PARTY_WRONG = auto()
    TOKEN_EXPIRED = auto()
    TOKEN_EARLY = auto()
    TOKEN_FUTURE = auto()
    TOKEN_STALE = auto()
    TOKEN_TOO_LONG = auto()
    NONCE_WRONG = auto()
    AUTHENTICATION_OLD = auto()
    AUTHENTICATION_FUTURE = auto()
    ANSWER_MALFORMED = auto()
    ANSWER_ISSUER = auto()
    ANSWER_REFUSED = auto()
    CODE_REFUSED = auto()
    LOGIN_UNKNOWN = auto()
    LOGIN_EXPIRED = auto()
    LOGIN_REPLAYED = auto()
    LOGIN_BUSY = auto()
    STATE_WRONG = auto()
    SESSION_WRONG = auto()
    PERSON_UNKNOWN = auto()
    PERSON_REVOKED = auto()
    ROLES_MISSING = auto()
    PROVIDER_UNREACHABLE = auto()
    PROVIDER_SLOW = auto()
    PROVIDER_TOO_LARGE = auto()
    PROVIDER_REDIRECTS = auto()
    PROVIDER_MALFORMED = auto()
    PROVIDER_PRIVATE = auto()
    PROVIDER_UNSAFE = auto()
    PROVIDER_ISSUER = auto()
    PROVIDER_UNFIT = auto()


MEANINGS: dict[Rule, str] = {
    Rule.TOKEN_MALFORMED: "The token is not a signed token in its one correct form.",
    Rule.TOKEN_TOO_LARGE: "The token is larger than a token may be.",
    Rule.TOKEN_TYPE: "The token is of a type that is not for this.",
    Rule.HEADER_REFUSED: "The token's header brings a key, points to one, or makes demands.",
    Rule.ALGORITHM_REFUSED: "The token is not signed with an algorithm that the project allows.",
    Rule.KEY_UNNAMED: "The token does not name the key that signed it.",
    Rule.KEY_UNKNOWN: "The provider has no such key.",
    Rule.KEY_UNFIT: "The provider's key of this name is not one for the token's algorithm.",
    Rule.KEY_TOO_SMALL: "The provider's key of this name is small enough to be broken.",
    Rule.SIGNATURE_WRONG: "The token's signature does not hold.",
    Rule.CLAIM_MISSING: "The token lacks a claim that it must have.",
    Rule.CLAIM_FORM: "A claim of the token is not of the form that it must be.",
    Rule.ISSUER_WRONG: "The token is of another issuer.",
    Rule.AUDIENCE_WRONG: "The token is for somebody else.",
    Rule.AUDIENCE_SHARED: "The token is for others too, who could use it here.",
    Rule.PARTY_WRONG: "The token was given to another client.",
    Rule.TOKEN_EXPIRED: "The token's time is over.",
    Rule.TOKEN_EARLY: "The token's time has not come.",
    Rule.TOKEN_FUTURE: "The token says that it was issued in the future.",
    Rule.TOKEN_STALE: "The token of a login was not issued for this login.",
    Rule.TOKEN_TOO_LONG: "The token is good for longer than the project allows.",
    Rule.NONCE_WRONG: "The token belongs to another login.",
    Rule.AUTHENTICATION_OLD: "The person did not prove again who they are.",
    Rule.AUTHENTICATION_FUTURE: "The token says that the person will prove who they are in the future.",
    Rule.ANSWER_MALFORMED: "The provider's answer lacks something or says it twice.",
    Rule.ANSWER_ISSUER: "The answer is another issuer's, or does not say whose it is where it must.",
    Rule.ANSWER_REFUSED: "The provider did not log the person in.",
    Rule.CODE_REFUSED: "The provider did not take its code back, or gave no token for it.",
    Rule.LOGIN_UNKNOWN: "This browser has begun no login here.",
    Rule.LOGIN_EXPIRED: "The login took too long.",
    Rule.LOGIN_REPLAYED: "The answer to this login was given before.",
    Rule.LOGIN_BUSY: "Too many logins are under way.",
    Rule.STATE_WRONG: "The answer is to another login.",
    Rule.SESSION_WRONG: "The login was begun in another session.",
    Rule.PERSON_UNKNOWN: "The provider vouches for the person, and no operator logs in as them.",
    Rule.PERSON_REVOKED: "The operator is revoked.",
    Rule.ROLES_MISSING: "The token names none of the operator's roles.",
    Rule.PROVIDER_UNREACHABLE: "The provider cannot be reached, or fails.",
    Rule.PROVIDER_SLOW: "The provider did not answer in time.",
    Rule.PROVIDER_TOO_LARGE: "The provider's answer is larger than it may be.",
    Rule.PROVIDER_REDIRECTS: "The provider's answer leads elsewhere.",
    Rule.PROVIDER_MALFORMED: "The provider's answer is not what it must be.",
    Rule.PROVIDER_PRIVATE: "The provider is at a private address, which the project does not allow.",
    Rule.PROVIDER_UNSAFE: "The provider names an address of its own that is not safe to use.",
    Rule.PROVIDER_ISSUER: "The provider calls itself by another name than the configured issuer.",
    Rule.PROVIDER_UNFIT: "The provider cannot do what a login here needs.",
}

_FIXES: dict[Rule, str] = {
    Rule.PERSON_UNKNOWN: "An administrator adds you with `synapsor operator add NAME --role ROLE --login ISSUER SUBJECT`; `synapsor operator refused` lists both.",
    Rule.PROVIDER_PRIVATE: "Say `allow_private: true` under `oidc:` if the provider is in your own network.",
    Rule.ROLES_MISSING: "An administrator of the provider gives the person a role, named as in `operators.yaml`.",
}
_AGAIN = frozenset(
    {
        Rule.LOGIN_EXPIRED,
        Rule.LOGIN_REPLAYED,
        Rule.LOGIN_UNKNOWN,
        Rule.STATE_WRONG,
        Rule.SESSION_WRONG,
        Rule.NONCE_WRONG,
    }
)


def refused(rule: Rule, detail: str = "", *, subject: str = "") -> LoginRefused:
    """Return the refusal by a rule; `detail` is a word of ours, such as the name of a claim that is asked for."""
    fix = "Begin the login again." if rule in _AGAIN else _FIXES.get(rule, "")
    words = f"{MEANINGS[rule][:-1]}: {detail}." if detail else MEANINGS[rule]
    return LoginRefused(rule.value, words, fix=fix, subject=subject, exit_code=4 if fails(rule) else 5)


def fails(rule: str) -> bool:
    """Tell whether a rule says that the provider fails, and nothing of the person."""
    return rule.startswith("provider_")
