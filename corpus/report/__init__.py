"""What a build did: numbers for programs (report.json), a page for people (report.html)."""

from corpus.report.result import CorpusReport, load_report, report_corpus, save_report

__all__ = ["CorpusReport", "load_report", "report_corpus", "save_report"]
