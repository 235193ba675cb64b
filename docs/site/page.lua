-- What becomes of a page on its way to HTML: links to pages lead to their HTML, a link that stands alone to draw.awk becomes the
-- picture of its anchor, and there is a navigation, made of pages.txt.
local top, folder, pictures, page = '', '', '', ''

local function flat(path) -- without "x/../" and "./"
  local parts = {}
  for part in path:gmatch('[^/]+') do
    if part == '..' then table.remove(parts) elseif part ~= '.' then table.insert(parts, part) end
  end
  return table.concat(parts, '/')
end

-- The address of what a page's link names, from that page.
local function address(target)
  if target:match('^%a+:') or target:match('^#') then return target end
  local path, anchor = target:match('^([^#]*)(.*)$')
  path = flat(folder .. path)
  return top .. path:gsub('%.md$', '.html') .. anchor
end

local function picture(target)
  local name = target:match('draw%.awk#(%a+)$')
  local file = name and io.open(pictures .. '/' .. name .. '.svg')
  if not file then return nil end
  local text = file:read('a')
  file:close()
  return pandoc.RawBlock('html', text)
end

local function alone(block)
  local link = block.content[1]
  return #block.content == 1 and link.t == 'Link' and picture(link.target) or nil
end

local function escaped(text) return (text:gsub('&', '&amp;'):gsub('<', '&lt;')) end

local function navigation()
  local html, group = {}, ''
  for line in io.lines('docs/site/pages.txt') do
    local file, of, title = line:match('^([^#|]%S*) | ([^|]+) | (.+)$')
    if file then
      if of ~= group then
        if group ~= '' then table.insert(html, '</ul>') end
        table.insert(html, '<h2>' .. escaped(of) .. '</h2><ul>')
        group = of
      end
      local path, anchor = file:match('^([^#]*)(.*)$')
      local here = path:gsub('%.md$', '') == page and anchor == '' and ' aria-current="page"' or ''
      if not path:match('%.html$') then path = path:gsub('%.md$', '') .. '.html' end
      table.insert(html, '<li><a href="' .. top .. path .. anchor .. '"' .. here .. '>' .. escaped(title) .. '</a></li>')
    end
  end
  table.insert(html, '</ul>')
  return table.concat(html, '\n')
end

-- The title is the first heading; a manual page has it in its head.
local function title_of(doc)
  for _, block in ipairs(doc.blocks) do
    if block.t == 'Header' and block.level == 1 and not doc.meta.section then 
      return (pandoc.utils.stringify(block.content):gsub('%s+', ' '))
    end
  end
  return page:match('[^/]+$')
end

function Pandoc(doc)
  page = pandoc.utils.stringify(doc.meta.page)
  pictures = pandoc.utils.stringify(doc.meta.pictures)
  folder = page:match('^(.*/)') or ''
  top = folder:gsub('[^/]+/', '../')
  local headings = 0
  doc = doc:walk({
    Para = alone,
    Link = function(link) link.target = address(link.target) return link end,
    Header = function(header)
      headings = headings + 1
      if doc.meta.section then -- of a manual page: below its name, with an anchor
        header.level = header.level + 1
        header.identifier = pandoc.utils.stringify(header.content):lower():gsub('%W+', '-')
      end
      return header
    end,
    Image = function(image) image.src = address(image.src) return image end,
  })
  doc.meta.pagetitle = pandoc.MetaString(title_of(doc))
  if doc.meta.section then table.insert(doc.blocks, 1, pandoc.Header(1, title_of(doc), pandoc.Attr('page'))) end
  doc.meta.top = pandoc.MetaString(top)
  doc.meta.long = headings > 4
  doc.meta.navigation = pandoc.MetaBlocks({pandoc.RawBlock('html', navigation())})
  return doc
end
