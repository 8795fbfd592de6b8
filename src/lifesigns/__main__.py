"""`python -m lifesigns` is the command `lifesigns`."""

from lifesigns.cli import main

if __name__ == "__main__":
    main()
