"""Read `key = value` lines into a dictionary, turning whole numbers into integers. Skip blank
lines and lines that start with `#`; a later line for a key wins; a line without `=` or without
a key raises ConfigError with its line number."""


class ConfigError(ValueError):
    pass


def parse_value(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def parse_config(text: str) -> dict[str, int | str]:
    settings: dict[str, int | str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        key = key.strip()
        if not equals or not key:
            raise ConfigError(f"line {number}: expected key = value")
        settings[key] = parse_value(value.strip())
    return settings


if __name__ == "__main__":
    assert parse_config("host = example.org\nport = 8080") == {"host": "example.org", "port": 8080}
    assert parse_config("# colours\n\nink = blue\nink = red") == {"ink": "red"}
    assert parse_config("rule = a=b\nlevel=-3") == {"rule": "a=b", "level": -3}
    parse_config("name = x\noops")
