"""``python -m callcab`` and the ``callcab`` command."""

from callcab.cli import main

if __name__ == "__main__":
    main()
