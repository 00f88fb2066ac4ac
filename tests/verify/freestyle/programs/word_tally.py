def word_tally(line):
    counts = {}
    for word in line.split():
        word = word.strip(".,!").lower()
        if word == "":
            continue
        counts[word] = counts.get(word, 0) + 1
    best = max(counts, key=counts.get)
    return best, counts[best]
