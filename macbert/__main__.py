"""``python -m macbert``: the same door as the ``macbert`` command, for torchrun and accelerate launch."""

from macbert.cli import main

raise SystemExit(main())
