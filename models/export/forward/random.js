// The random numbers of the models (models/contract/random.py, streams.py), bit by bit: a seed
// gives the same pictures here as there.

// The Mersenne Twister (Matsumoto and Nishimura 1998), as torch's generator on a CPU is one.
class Twister {
  constructor(seed) {
    const s = (this.state = new Uint32Array(624));
    s[0] = seed;
    for (let i = 1; i < 624; i++) s[i] = Math.imul(1812433253, s[i - 1] ^ (s[i - 1] >>> 30)) + i;
    this.at = 624;
    this.kept = null; // the second of a pair of normal numbers
  }

  bits() {
    const s = this.state;
    if (this.at === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (s[i] & 0x80000000) | (s[(i + 1) % 624] & 0x7fffffff);
        s[i] = s[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.at = 0;
    }
    let y = s[this.at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  // In [0, 1): 24 bits of a float, 53 of a double.
  uniform() {
    return (this.bits() & 0xffffff) / 2 ** 24;
  }
  fine() {
    const high = this.bits() & 0x1fffff;
    return (high * 2 ** 32 + this.bits()) / 2 ** 53;
  }

  uniforms(n, out = new Float32Array(n)) {
    for (let i = 0; i < n; i++) out[i] = this.uniform();
    return out;
  }

  // n standard normal numbers by Box and Muller (1958), in torch's order: sixteen at a time, the
  // last sixteen drawn anew where n is no multiple of it; fewer than sixteen pair by pair.
  normals(n, out = new Float32Array(n)) {
    if (n < 16) {
      for (let i = 0; i < n; i++) out[i] = this.normal();
      return out;
    }
    this.uniforms(n, out);
    for (let i = 0; i + 16 <= n; i += 16) boxMuller(out, i);
    if (n % 16) {
      const last = out.subarray(n - 16);
      this.uniforms(16, last);
      boxMuller(last, 0);
    }
    return out;
  }
  normal() {
    if (this.kept !== null) {
      const kept = this.kept;
      this.kept = null;
      return kept;
    }
    const turn = 2 * Math.PI * this.fine(),
      radius = Math.sqrt(-2 * Math.log1p(-this.fine()));
    this.kept = radius * Math.sin(turn);
    return radius * Math.cos(turn);
  }
}

const boxMuller = (x, start) => {
  for (let i = start; i < start + 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - x[i])),
      turn = 2 * Math.PI * x[i + 8];
    x[i] = radius * Math.cos(turn);
    x[i + 8] = radius * Math.sin(turn);
  }
};

// The generator of a seed: mixed by splitmix64, so that neighbouring seeds are strangers.
const generatorOf = seed => {
  const wrap = value => BigInt.asUintN(64, value);
  let state = wrap(BigInt(seed) + 0x9e3779b97f4a7c15n);
  state = wrap((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
  state = wrap((state ^ (state >> 27n)) * 0x94d049bb133111ebn);
  state ^= state >> 31n;
  return new Twister(Number(state & 0xffffffffn));
};

// MurmurHash3's last steps (Appleby).
const mixed = bits => {
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
};

// A stream for each of the n pictures of a seed; picture k's does not depend on n.
const streamsOf = (seed, n) => {
  const rng = generatorOf(seed),
    high = rng.bits() & 0x3fffffff, // of a key of 62 bits
    low = rng.bits();
  return Array.from({ length: n }, (_, row) => new Twister(mixed(mixed(row ^ high) ^ low)));
};
