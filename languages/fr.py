{
'!langcode!': 'fr',
'!langname!': 'Français',
}
