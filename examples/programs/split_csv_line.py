"""Split one line of comma-separated values into its fields. A field may stand in double quotes,
and may then hold commas; a doubled quote inside a quoted field is one quote character."""


def split_csv_line(line):
    fields = []
    field = ""
    quoted = False
    position = 0
    while position < len(line):
        char = line[position]
        if quoted and line[position : position + 2] == '""':
            field += '"'
            position += 1
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            fields.append(field)
            field = ""
        else:
            field += char
        position += 1
    fields.append(field)
    return fields


if __name__ == "__main__":
    assert split_csv_line("7,,ok") == ["7", "", "ok"]
    assert split_csv_line('"Li, J.",5') == ["Li, J.", "5"]
    assert split_csv_line('a,"say ""hi"""') == ["a", 'say "hi"']
    split_csv_line("x,y,")
