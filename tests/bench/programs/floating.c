// Floating point: scalar and packed, single, double and extended precision, the mathematical library.
#include "programs.h"
#include <math.h>
#include <string.h>

static uint64_t bits_of(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

// Planets: scalar double precision with square roots and divisions.
uint64_t program_bodies(void) {
    enum { N = 5 };
    double x[N][3], v[N][3], mass[N];
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 3; k++)
            x[i][k] = i * 1.7 + k * 0.3 + 0.1 * i * k, v[i][k] = 0.01 * (k - i), mass[i] = 1 + i * 0.1;
    for (unsigned turn = 0; turn < 200000; turn++) {
        for (int i = 0; i < N; i++)
            for (int j = i + 1; j < N; j++) {
                double d[3], square = 0.01;
                for (int k = 0; k < 3; k++) d[k] = x[i][k] - x[j][k], square += d[k] * d[k];
                double force = 0.001 / (square * sqrt(square));
                for (int k = 0; k < 3; k++) v[i][k] -= d[k] * mass[j] * force, v[j][k] += d[k] * mass[i] * force;
            }
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 3; k++) x[i][k] += 0.001 * v[i][k];
    }
    return bits_of(x[0][0] + x[4][2]);
}

uint64_t program_spectral(void) {
    enum { N = 250 };
    static double u[N], v[N];
    for (int i = 0; i < N; i++) u[i] = 1;
    for (unsigned turn = 0; turn < 300; turn++) {
        for (int i = 0; i < N; i++) {
            double sum = 0;
            for (int j = 0; j < N; j++) sum += u[j] / ((i + j) * (i + j + 1) / 2 + i + 1);
            v[i] = sum;
        }
        for (int i = 0; i < N; i++) u[i] = v[i] * 0.8;
    }
    return bits_of(u[N / 2]);
}

uint64_t program_mandelbrot(void) {
    uint64_t inside = 0;
    for (int row = 0; row < 360; row++)
        for (int column = 0; column < 160; column++) {
            float cr = (float)column / 60.0f - 2.0f, ci = (float)row / 150.0f - 1.2f, r = 0, i = 0;
            int n = 0;
            for (; n < 500 && r * r + i * i < 4.0f; n++) {
                float next = r * r - i * i + cr;
                i = 2.0f * r * i + ci, r = next;
            }
            inside += (uint64_t)n;
        }
    return inside;
}

// A transform of 1024 complex numbers in single precision, there and back.
uint64_t program_fourier(void) {
    enum { N = 1024 };
    static float re[N], im[N], cosine[N], sine[N];
    for (int i = 0; i < N; i++) re[i] = (float)(i * 37 % 101) / 50.0f - 1.0f, im[i] = 0;
    for (int i = 0; i < N; i++)
        cosine[i] = (float)cos(6.283185307179586 * i / N), sine[i] = (float)sin(6.283185307179586 * i / N);
    for (unsigned turn = 0; turn < 500; turn++) {
        for (int i = 0, j = 0; i < N; i++) {
            if (i < j) {
                float r = re[i], m = im[i];
                re[i] = re[j], im[i] = im[j], re[j] = r, im[j] = m;
            }
            int bit = N / 2;
            for (; j & bit; bit /= 2) j ^= bit;
            j |= bit;
        }
        for (int size = 2; size <= N; size *= 2)
            for (int start = 0; start < N; start += size)
                for (int k = 0; k < size / 2; k++) {
                    int a = start + k, b = a + size / 2, w = k * (N / size);
                    float s = turn & 1 ? -sine[w] : sine[w];
                    float r = re[b] * cosine[w] + im[b] * s, i = im[b] * cosine[w] - re[b] * s;
                    re[b] = re[a] - r, im[b] = im[a] - i, re[a] += r, im[a] += i;
                }
        for (int i = 0; turn & 1 && i < N; i++) re[i] /= (float)N, im[i] /= (float)N;
    }
    return bits_of((double)re[3] + (double)re[777]);
}

typedef float single_x4 __attribute__((vector_size(16)));
typedef double double_x2 __attribute__((vector_size(16)));

uint64_t program_packed_single(void) {
    enum { N = 2048 };
    static single_x4 x[N], y[N];
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 4; k++) x[i][k] = (float)(i + k) * 0.37f, y[i][k] = (float)(i - k) * 0.11f;
    const single_x4 scale = {0.51f, 0.52f, 0.53f, 0.54f};
    for (unsigned turn = 0; turn < 8000; turn++)
        for (int i = 0; i < N; i++) y[i] = x[i] * scale + y[i] * scale;
    return bits_of((double)y[5][1] + (double)y[1000][3]);
}

uint64_t program_packed_double(void) {
    enum { N = 96 };
    static double_x2 a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N * N; i++)
        for (int k = 0; k < 2; k++) a[i / N][i % N][k] = i * 0.01 + k, b[i / N][i % N][k] = i * 0.02 - k;
    for (unsigned turn = 0; turn < 24; turn++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double_x2 sum = c[i][j];
                for (int k = 0; k < N; k++) sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
    return bits_of(c[7][9][0] + c[N - 1][3][1]);
}

uint64_t program_sines(void) {
    double sum = 0;
    for (int i = 1; i < 700000; i++) sum += sin(i * 0.001) * exp(-i * 0.00001) + atan(i * 0.01);
    return (uint64_t)(sum * 1000);
}

uint64_t program_powers(void) {
    double sum = 0;
    for (int i = 1; i < 500000; i++) sum += pow(i * 0.01, 1.7) / (1 + log(i)) + cbrt(i) + tanh(i * 0.00001);
    return (uint64_t)(sum * 100);
}

// long double is the x87's format.
uint64_t program_extended(void) {
    long double x = 1.1L, y = 0.7L, z = 0.3L;
    for (unsigned i = 0; i < 1000000; i++) {
        long double m = 0.01L / (x * x + y * y + z * z);
        x += y * m, y -= z * m, z += x * m;
        if (x > 10) x *= 0.5L;
        x = x * 0.999L + 0.001L;
    }
    return bits_of((double)(x + y + z));
}

uint64_t program_legendre(void) {
    static long double p[64];
    static double out[64];
    double sum = 0;
    for (int i = 0; i < 30000; i++) {
        long double x = i * 0.00002L;
        p[0] = 1, p[1] = x;
        for (int n = 1; n < 63; n++) p[n + 1] = ((2 * n + 1) * x * p[n] - n * p[n - 1]) / (n + 1);
        for (int n = 0; n < 64; n += 9) out[n] = (double)p[n], sum += out[n];
    }
    return bits_of(sum);
}
