"""``python -m facade``: the command line."""

from facade.cli import main

if __name__ == "__main__":
    main()
