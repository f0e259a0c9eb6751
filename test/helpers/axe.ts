import axe from 'axe-core';
import type { Page } from 'playwright-core';

/**
 * What axe finds that is serious or critical on the page as it is now: rule, target, and what would mend it.
 * @param rules default: all
 */
export async function seriousFindings(page: Page, rules?: readonly string[]): Promise<string[]> {
  // the page's own policy forbids scripts of others: the browser's protocol is not bound by it
  await page.evaluate(`window.axe || (() => { ${axe.source} })()`);
  const runOnly = rules === undefined ? '' : `runOnly: ${JSON.stringify(rules)},`;
  return page.evaluate(`(async () => {
    const { violations } = await axe.run(document, { ${runOnly} resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.slice(0, 5).map((node) =>
        id + ' at ' + node.target.join(' ') + ': ' + node.failureSummary.replace(/\\s+/g, ' ').slice(0, 300)));
  })()`);
}

/**
 * The same for a page wide and narrow, in both themes, and what the keyboard does not reach.
 * @param isLong walks with the keyboard through the narrow page, too
 */
export async function faultsOfPage(page: Page, { isLong = false } = {}): Promise<string[]> {
  const faults: string[] = [];
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: 'light' });
    faults.push(...(await seriousFindings(page)));
    if (width === 1280 || isLong) faults.push(...(await keyboardFaults(page)));
    await page.emulateMedia({ colorScheme: 'dark' });
    // nothing else depends on the theme
    faults.push(...(await seriousFindings(page, ['color-contrast'])));
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    if (overflow > 0) faults.push(`wider than its window of ${width} by ${overflow}`);
  }
  return faults;
}

/**
 * Walks through the page with Tab alone. Returns the names of what can be operated and was not reached, and of what
 * shows no focus.
 */
export async function keyboardFaults(page: Page): Promise<string[]> {
  await page.evaluate('document.activeElement?.blur(); scrollTo(0, 0)');
  const seen = new Set<string>();
  const faults: string[] = [];
  let last = '';
  for (let steps = 0; steps < 400; steps++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate<{ path: string; name: string; isShown: boolean } | null>(FOCUS);
    // between the last and the first stands the browser's own frame
    if (at === null) continue;
    // a player has stops of its own
    if (at.path === last) continue;
    last = at.path;
    if (seen.has(at.path)) break;
    seen.add(at.path);
    if (!at.isShown) faults.push(`no visible focus: ${at.name}`);
  }
  const all = await page.evaluate<{ path: string; name: string }[]>(OPERABLE);
  return [...faults, ...all.filter(({ path }) => !seen.has(path)).map(({ name }) => `not reached: ${name}`)];
}

const TOOLS = `
  const pathOf = (one) => {
    const steps = [];
    for (let at = one; at.parentElement; at = at.parentElement) steps.unshift([...at.parentElement.children].indexOf(at));
    return steps.join('/');
  };
  const nameOf = (one) => one.tagName + ' ' + (one.getAttribute('aria-label') || one.textContent || one.id).slice(0, 60);
`;

const FOCUS = `(() => {
  ${TOOLS}
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const isOutlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  const isThere = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return { path: pathOf(one), name: nameOf(one), isShown: isOutlined && isThere };
})()`;

const OPERABLE = `(() => {
  ${TOOLS}
  return [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter((one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }))
    .map((one) => ({ path: pathOf(one), name: nameOf(one) }));
})()`;
