select set_config('jit', 'off', true)
