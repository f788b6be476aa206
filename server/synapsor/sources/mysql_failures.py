"""What MySQL's and MariaDB's error numbers mean for a caller. The errors' texts hold values and names, and end here."""

from __future__ import annotations

from pymysql.err import Error as MysqlError
from pymysql.err import InterfaceError

from synapsor.errors import Failure, SourceFailure

NO_TLS = 2026
PLAINTEXT_PASSWORD = 2059
_CLIENT_ERRORS = range(2000, 3000)
"""Numbers that clients give to their own troubles; every other one was sent by a server."""

# fmt: off
_KINDS: dict[Failure, set[int]] = {
    # Connections, shutdown, killed or timed-out sessions, a cluster node that is not ready, a server that became read-only.
    Failure.UNAVAILABLE: {
        0, 1042, 1043, 1047, 1053, 1077, 1080, 1081, 1129, 1130, 1152, 1156, 1158, 1159, 1160, 1161, 1184, 1290, 1836, 1927,
        2002, 2003, 2005, 2006, 2012, 2013, 2014, NO_TLS, 2027, 2055, 3169, 4031,
    },
    Failure.BUSY: {1037, 1038, 1040, 1041, 1135, 1203, 1226},
    # A lock wait (1205) undoes its statement only: a transaction that meets one must be left.
    Failure.TIMEOUT: {1205, 1907, 1969, 3024, 3572},
    Failure.TRANSIENT: {1020, 1213, 1317, 1412, 1614, 3058, 3101},
    Failure.DRIFT: {1049, 1051, 1054, 1109, 1146, 1176, 1267, 1305, 1347, 1356, 1449, 1615, 3566},
    Failure.DENIED: {
        1044, 1045, 1095, 1131, 1132, 1142, 1143, 1227, 1251, 1275, 1345, 1370, 1524, 1698, 1792, 1820, 1862,
        2049, 2054, PLAINTEXT_PASSWORD, 2061, 3118, 3159, 3530, 3955, 4151,
    },
    Failure.CONSTRAINT: {
        1022, 1048, 1062, 1169, 1216, 1217, 1364, 1369, 1451, 1452, 1557, 1586, 1644, 1761, 1762, 1859, 3819, 4025,
    },
    Failure.VALUE: {
        1153, 1264, 1265, 1292, 1300, 1365, 1366, 1367, 1406, 1411, 1416, 1441, 1525, 1690, 3140, 3141, 3156, 3854, 4038, 4079,
    },
}
# fmt: on
_KIND_OF = {errno: kind for kind, errnos in _KINDS.items() for errno in errnos}


def failure_of(error: BaseException) -> SourceFailure:
    """Return the failure that a driver's error means, with its number and without its text."""
    if isinstance(error, InterfaceError):
        return SourceFailure(Failure.UNAVAILABLE, state="closed")
    errno = _errno(error)
    if errno is not None:
        return SourceFailure(_KIND_OF.get(errno, Failure.OTHER), state=str(errno))
    return SourceFailure(Failure.UNAVAILABLE, state="protocol")


def is_answer(error: MysqlError) -> bool:
    """Tell whether an error came from the server as the answer to a statement, so that the connection is in step."""
    errno = _errno(error)
    return errno is not None and errno > 0 and errno not in _CLIENT_ERRORS


def _errno(error: BaseException) -> int | None:
    errno = error.args[0] if isinstance(error, MysqlError) and error.args else None
    return errno if isinstance(errno, int) else None
