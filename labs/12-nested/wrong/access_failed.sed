s/    if \(current == ~0ull\) \{/    if (true) {/
