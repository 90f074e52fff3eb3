"""Files of any format to records with their places; damaged ones with the reason."""

from corpus.readers.formats import FORMATS, InputFile, format_of, read_file, source_name
from corpus.readers.records import BadRecord, FileFacts, ReaderOptions, Record, TruncatedInput

__all__ = [
    "FORMATS",
    "BadRecord",
    "FileFacts",
    "InputFile",
    "ReaderOptions",
    "Record",
    "TruncatedInput",
    "format_of",
    "read_file",
    "source_name",
]
