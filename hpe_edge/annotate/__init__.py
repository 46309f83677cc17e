"""Head poses of many pictures, as a table (docs/ANNOTATE.md)."""

from hpe_edge.annotate.job import Summary, annotate
from hpe_edge.annotate.table import Estimation

__all__ = ["Estimation", "Summary", "annotate"]
