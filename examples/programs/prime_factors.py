"""Factor an integer greater than one into a dictionary from each prime factor to its exponent,
dividing by the primes up to its square root; list those primes with `primes_up_to`."""

from math import isqrt


def primes_up_to(limit: int) -> list[int]:
    primes: list[int] = []
    for candidate in range(2, limit + 1):
        for prime in primes:
            if candidate % prime == 0:
                break
        else:
            primes.append(candidate)
    return primes


def prime_factors(number: int) -> dict[int, int]:
    factors: dict[int, int] = {}
    for prime in primes_up_to(isqrt(number)):
        while number % prime == 0:
            factors[prime] = factors.get(prime, 0) + 1
            number //= prime
    if number > 1:
        factors[number] = 1
    return factors


if __name__ == "__main__":
    assert primes_up_to(12) == [2, 3, 5, 7, 11]
    assert prime_factors(60) == {2: 2, 3: 1, 5: 1}
    assert prime_factors(97) == {97: 1}
    prime_factors(64)
