s/entry = \(entry & ~\(BIT\(21\) - 1\)\) \| \(address & \(BIT\(21\) - 1\)\)/entry = entry \& ~(BIT(21) - 1)/
