"""Structured logs: a record is a sentence plus fields; `action` is a word in snake_case, ids are fields."""

from __future__ import annotations

import logging
import sys

import structlog

from services.runtime.settings import LogFormat


def configure_logging(service: str, log_format: LogFormat) -> structlog.stdlib.BoundLogger:
    """Send all records, ours and the libraries', to standard error in one form; returns the service's logger."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if log_format is LogFormat.CONSOLE
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    exceptions = [] if log_format is LogFormat.CONSOLE else [structlog.processors.format_exc_info]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *exceptions, renderer],
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
    return logger
