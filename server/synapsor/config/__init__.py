"""The project's configuration, read strictly; this is its one door."""

from synapsor.config.console import ConsoleConfig, ConsoleProxy, ConsoleSessions, ConsoleTls
from synapsor.config.executors import CommandExecutor, ExecutorConfig, HttpExecutor
from synapsor.config.fields import FormatVersion, Model
from synapsor.config.oidc import Algorithm, OidcConfig
from synapsor.config.project import (
    Config,
    HttpConfig,
    Supervised,
    TokenConfig,
    find_config,
    load_config,
    session_values,
)
from synapsor.config.reading import as_document, read_text, read_yaml, refuse, validated
from synapsor.config.sources import Engine, Mode, Pool, SourceConfig, Timeouts, Tls, with_lanes

__all__ = [
    "Algorithm",
    "CommandExecutor",
    "Config",
    "ConsoleConfig",
    "ConsoleProxy",
    "ConsoleSessions",
    "ConsoleTls",
    "Engine",
    "ExecutorConfig",
    "FormatVersion",
    "HttpConfig",
    "HttpExecutor",
    "Mode",
    "Model",
    "OidcConfig",
    "Pool",
    "SourceConfig",
    "Supervised",
    "Timeouts",
    "Tls",
    "TokenConfig",
    "as_document",
    "find_config",
    "load_config",
    "read_text",
    "read_yaml",
    "refuse",
    "session_values",
    "validated",
    "with_lanes",
]
