"""Structured logs: a record is a sentence plus fields; `action` is a word in snake_case, ids are fields.

What is said again and again is bounded: see `services.runtime.log_limit`.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from services.runtime.log_limit import LimitFilter, LogLimit
from services.runtime.printable import escaped, printable_lines
from services.runtime.settings import LogFormat


def configure_logging(
    service: str, log_format: LogFormat, limit: LogLimit | None = None
) -> tuple[structlog.stdlib.BoundLogger, LimitFilter]:
    """Send all records, ours and the libraries', to standard error in one form and at a bounded rate.

    Returns:
        The service's logger, and what holds records back.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    rendering: list[structlog.typing.Processor] = [structlog.processors.format_exc_info]
    if log_format is LogFormat.CONSOLE:
        plain = structlog.dev.plain_traceback
        rendering += [_fit, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    else:
        rendering += [structlog.processors.JSONRenderer(ensure_ascii=False), _escape]
    handler = logging.StreamHandler(sys.stderr)
    held = LimitFilter(limit or LogLimit())
    handler.addFilter(held)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(service)
    return logger, held


def _fit(_logger: Any, _name: str, record: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Texts of a record come from devices and servers as well: none of them drives the terminal."""
    return {key: printable_lines(value) if isinstance(value, str) else value for key, value in record.items()}


def _escape(_logger: Any, _name: str, line: Any) -> str:
    """The record as JSON with the same values; whoever looks into the file with a terminal is safe as well."""
    return escaped(str(line))
