"""``python -m hpe_edge`` is ``hpe-edge``."""

from hpe_edge.cli import main

raise SystemExit(main())
