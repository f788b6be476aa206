"""What the rows of table `specimens` are as canonical tokens, per engine: SP-1 to SP-4 in order. SP-5 is all NULL."""

from __future__ import annotations

from collections.abc import Mapping

_NASTY = 'it\'s "quoted" \\ back`tick %s $1 :x'
_MANY = "first line\nsecond\r\n\u05e9\u05dc\u05d5\u05dd \u202ertl\u202c \U0001f9fe e\u0301 \u00e9\t"
_UUIDS = (
    "00112233-4455-6677-8899-aabbccddeeff",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "12345678-1234-5678-1234-567812345678",
)
_BYTES = ("\\xdeadbeef", "\\x", "\\x00ff27225c0a", "\\x00")
_DUPLICATE_KEYS = '{"a":1.0,"a":2,"big":12345678901234567890}'
_INT64 = ("9007199254740993", "-9223372036854775808", "9223372036854775807", "0")

SPECIMENS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "postgres": {
        "c_smallint": ("7", "-32768", "32767", "0"),
        "c_int": ("42", "-2147483648", "2147483647", "0"),
        "c_bigint": _INT64,
        "c_numeric_12_2": ("1250.50", "-9999999999.99", "9999999999.99", "0.00"),
        "c_numeric": ("12.340", "-123456789012345678901234567890.123456789", "NaN", "0.00000000000000000001"),
        "c_real": ("1.5", "-0", "3.4028235e+38", "-Infinity"),
        "c_double": ("2.25", "-0", "NaN", "Infinity"),
        "c_bool": ("true", "false", "true", "false"),
        "c_text": ("plain text", _NASTY, _MANY, "0"),
        "c_varchar": ("plain", "", "12345678901234567890", "0"),
        "c_char": ("ab", "", "abcde", "0"),
        "c_bytea": _BYTES,
        "c_json": ('{"a": 1, "b": [true, null]}', _DUPLICATE_KEYS, "null", "[]"),
        "c_jsonb": (
            '{"a": 1, "b": [true, null]}',
            '{"n": 1.10, "big": 12345678901234567890}',
            '"string only"',
            "{}",
        ),
        "c_int_array": ("[1,2,3]", "[]", "[[1,null],[-2147483648,2147483647]]", "[0]"),
        "c_text_array": (
            '["one","two"]',
            '[null,"NULL","a,b","q\\"q","","back\\\\slash"]',
            '[["a","b"],["c",null]]',
            '[""]',
        ),
        "c_uuid": _UUIDS,
        "c_date": ("2026-01-31", "0044-03-15 BC", "infinity", "20000-12-31"),
        "c_time": ("13:14:15", "00:00:00", "23:59:59.999999", "24:00:00"),
        "c_timestamp": ("2026-01-31 13:14:15", "0044-03-15 00:00:00 BC", "20000-01-01 00:00:00.000001", "infinity"),
        "c_timestamptz": ("2026-01-31 13:14:15+00", "-infinity", "infinity", "1999-12-31 23:59:59.999999+00"),
        "c_interval": ("P1M", "P-1Y-2M3DT-4H-5M-6.789S", "P178000000Y", "PT0S"),
        "c_enum": ("overdue", "open", "waiver_pending", "paid"),
        "c_bit": ("10100101", "00000000", "11111111", "00000001"),
    },
    "mariadb": {
        "c_tinyint": ("7", "-128", "127", "0"),
        "c_tinyint_unsigned": ("7", "0", "255", "0"),
        "c_smallint": ("7", "-32768", "32767", "0"),
        "c_mediumint": ("7", "-8388608", "8388607", "0"),
        "c_int": ("42", "-2147483648", "2147483647", "0"),
        "c_int_unsigned": ("42", "0", "4294967295", "0"),
        "c_bigint": _INT64,
        "c_bigint_unsigned": ("9007199254740993", "0", "18446744073709551615", "0"),
        "c_decimal_12_2": ("1250.50", "-9999999999.99", "9999999999.99", "0.00"),
        "c_decimal_30_10": (
            "12.3400000000",
            "-12345678901234567890.1234567890",
            "99999999999999999999.9999999999",
            "0.0000000001",
        ),
        "c_float": ("1.5", "-3.4028234663852886e38", "3.4028234663852886e38", "0.10000000149011612"),
        "c_double": ("2.25", "0", "1.7976931348623157e308", "0.1"),
        "c_bool": ("true", "false", "true", "false"),
        "c_bit1": ("true", "false", "true", "false"),
        "c_bit8": ("10100101", "0", "11111111", "1"),
        "c_varchar": ("plain", "", "12345678901234567890", "trail   "),
        "c_char": ("ab", "", "abcde", "0"),
        "c_text": ("plain text", _NASTY, _MANY, "0"),
        "c_mediumtext": ("plain text", _NASTY, _MANY, "0"),
        "c_blob": _BYTES,
        "c_varbinary": _BYTES,
        "c_binary": ("\\xdead0000", "\\x00000000", "\\x00ff275c", "\\x00000000"),
        "c_json": ('{"a": 1, "b": [true, null]}', _DUPLICATE_KEYS, '"string only"', "[]"),
        "c_enum": ("overdue", "open", "waiver_pending", "paid"),
        "c_set": ("red,blue", "", "red,green,blue", "green"),
        "c_uuid": _UUIDS,
        "c_date": ("2026-01-31", "0000-00-00", "9999-12-31", "2024-00-00"),
        "c_time": ("13:14:15", "-838:59:59", "838:59:59", "00:00:00"),
        "c_time6": ("13:14:15.000001", "-838:59:59.999999", "838:59:59.999999", "-00:00:00.000001"),
        "c_datetime": ("2026-01-31 13:14:15", "0000-00-00 00:00:00", "9999-12-31 23:59:59", "1970-01-01 00:00:00"),
        "c_datetime6": (
            "2026-01-31 13:14:15.123456",
            "1000-01-01 00:00:00",
            "9999-12-31 23:59:59.999999",
            "2024-02-00 00:00:00",
        ),
        "c_timestamp6": (
            "2026-01-31 13:14:15.123456+00",
            "0000-00-00 00:00:00+00",
            "2038-01-19 03:14:07.999999+00",
            "1970-01-01 00:00:01.000001+00",
        ),
        "c_year": ("2026", "1901", "2155", "0"),
    },
    "sqlite": {
        "c_integer": _INT64,
        "c_real": ("2.25", "0.0", "inf", "-inf"),
        "c_text": ("plain text", _NASTY, _MANY, "0"),
        "c_blob": _BYTES,
        "c_numeric": ("1250.50", "-123456789012345678901234567890.123456789", "NaN", "0.00"),
        "c_bool": ("true", "false", "true", "false"),
        "c_json": ('{"a": 1, "b": [true, null]}', _DUPLICATE_KEYS, '"string only"', "[]"),
        "c_uuid": _UUIDS,
        "c_date": ("2026-01-31", "0000-01-01", "9999-12-31", "1970-01-01"),
        "c_time": ("13:14:15", "00:00:00", "23:59:59.999999", "00:00:00.000001"),
        "c_timestamp": (
            "2026-01-31 13:14:15.123456",
            "0000-01-01 00:00:00.000000",
            "9999-12-31 23:59:59.999999",
            "1970-01-01 00:00:00.000001",
        ),
        "c_timestamptz": (
            "2026-01-31 13:14:15.123456+00",
            "0000-01-01 00:00:00.000000+00",
            "9999-12-31 23:59:59.999999+00",
            "1970-01-01 00:00:00.000001+00",
        ),
    },
}
TYPES: Mapping[str, str] = {
    "c_timestamp6": "timestamptz",
    "c_datetime6": "timestamp",
    "c_numeric": "numeric",
    "c_json": "json",
    "c_bool": "boolean",
    "c_bit1": "boolean",
    "c_uuid": "uuid",
    "c_date": "date",
    "c_time": "time",
    "c_timestamp": "timestamp",
    "c_timestamptz": "timestamptz",
}
"""The reviewed types where a column's storage would allow several."""
