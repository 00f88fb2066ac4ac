def rotate_chunks(items, size):
    chunks = []
    for start in range(0, len(items), size):
        chunk = items[start:start + size]
        chunk = chunk[1:] + chunk[:1]
        chunks.append(chunk)
    return chunks[::-1]
