def shared_tags(posts):
    common = set(posts[0])
    every = set()
    for tags in posts:
        common &= set(tags)
        every |= set(tags)
    extra = every - common
    return sorted(common), len(extra)
