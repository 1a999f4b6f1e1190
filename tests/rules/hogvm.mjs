// Runs programs of tests/rules/hogvm.py: [{bytecode, properties}] on stdin, their results on stdout.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const { execSync } = createRequire(import.meta.url)(process.argv[2])

const functions = {
    JSONExtract: (value) => {
        try {
            return typeof value === 'string' ? JSON.parse(value) : value
        } catch {
            return null
        }
    },
    multiSearchAnyCaseInsensitive: (text, needles) =>
        needles.some((needle) => String(text).toLowerCase().includes(String(needle).toLowerCase())) ? 1 : 0,
}
// ILIKE comes as a pattern that begins with (?i), which JavaScript writes as a flag; % crosses lines in rules.
const match = (pattern, text) =>
    pattern.startsWith('(?i)')
        ? new RegExp(pattern.slice(4).replaceAll('.*', '[^]*'), 'iu').test(text)
        : new RegExp(pattern, 'u').test(text)
const external = { regex: { match } }

const results = JSON.parse(readFileSync(0, 'utf-8')).map(({ bytecode, properties }) => {
    try {
        return execSync(bytecode, { globals: { properties }, functions, external })
    } catch (error) {
        return String(error)
    }
})
console.log(JSON.stringify(results))
