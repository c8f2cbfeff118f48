"""Take a picture of a running page, for the README.

usage: python docs/screenshot.py ADDRESS OUT.png [--lang zh|en] [--dark]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from harness.browser import browser

LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
#: The summary, the flow picture, pools, minutes, factors and demand under it.
SIZE = (1280, 1290)


def main() -> None:
    """Read the arguments, wait for the page's data, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", help="for example http://127.0.0.1:8480/")
    parser.add_argument("out", type=Path)
    parser.add_argument("--lang", choices=LANGUAGES, default="en")
    parser.add_argument("--dark", action="store_true")
    args = parser.parse_args()
    scheme = "dark" if args.dark else "light"
    with browser() as tab:
        tab.show(args.address, LANGUAGES[args.lang], SIZE, scheme)
        args.out.write_bytes(tab.picture())


if __name__ == "__main__":
    main()
