"""Which known names somebody may have meant who wrote another one."""

from difflib import SequenceMatcher, get_close_matches


def names_like(word: str, names: list[str]) -> list[str]:
    """Return the *names* like *word*, at most three, the likest first.

    A name is also like it when one of its parts is: "sdm360" is near
    "eastron-sdm630".
    """
    return _near_in_folder(word, names) or (
        get_close_matches(word, names, n=3, cutoff=0.7) or _near_in_part(word, names)
    )


def _near_in_folder(word: str, names: list[str]) -> list[str]:
    """Return what is near within the word's part up to its last "/", if it has one."""
    folder, slash, last = word.rpartition("/")
    prefix = folder + slash
    inside = [n.removeprefix(prefix) for n in names if slash and n.startswith(prefix)]
    close = get_close_matches(last, inside, n=3, cutoff=0.7)
    return [prefix + name for name in close]


def _near_in_part(word: str, names: list[str]) -> list[str]:
    matcher = SequenceMatcher(b=word)

    def likeness(part: str) -> float:
        matcher.set_seq1(part)
        return matcher.ratio()

    scored = [
        (max(likeness(part) for part in name.replace("/", "-").split("-")), name)
        for name in names
    ]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return [name for score, name in scored if score >= 0.75][:3]
